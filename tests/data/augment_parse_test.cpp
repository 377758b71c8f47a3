#include <segx/data/augment/parse.hpp>

#include <catch2/catch.hpp>
#include <string>

#include "temporary_folder.hpp"

using namespace segx;

namespace {

std::string canonical(const std::string& text) { return parse_augmentation(text).text(); }
std::string message(const std::string& text) {
  return message_of([&] { parse_augmentation(text); });
}

}  // namespace

TEST_CASE("every augmentation can be named, and its text is read as the same") {
  detail::for_each_augmentation([](auto a) {
    const std::string name(a.name);
    CHECK(canonical(name) == text_of(a));
    CHECK(canonical(text_of(a)) == text_of(a));
    CHECK(detail::known_names().find(name) != std::string::npos);
    std::string by_name;  // each setting by its name
    std::apply(
        [&](const auto&... each) {
          ((by_name +=
            (by_name.empty() ? "" : ", ") + std::string(each.name) + " = " + detail::value_text(a.*each.place)),
           ...);
        },
        a.settings());
    CHECK(canonical(name + " ( " + by_name + " ) ") == text_of(a));
  });
}

TEST_CASE("settings other than the usual ones survive, too") {
  CHECK(canonical("flip,rotate(7.5),scale(0.8,1.2,black)") == "flip(0.5),rotate(7.5,reflect),scale(0.8,1.2,black)");
  CHECK(canonical("affine(shear=3, degrees=0)") == "affine(0,0.9,1.1,0.05,3,reflect)");
  CHECK(canonical("crop(width=64,height=32)") == "crop(32,64)");
  CHECK(canonical(" noise( 1e-3 ) ,\n blur()") == "noise(0.001),blur(1)");
  CHECK(text_of(rotate{2, border::black}) == "rotate(2,black)");
}

TEST_CASE("combinators nest, and their text says what belongs together") {
  const std::string nested = "sometimes(0.3,blur(1),one_of(noise(0.02),in_turn(gamma(0.8,1.25),clahe(2,8))))";
  CHECK(canonical(nested) == nested);
  CHECK(canonical("in_turn(flip,in_turn(blur))") == "flip(0.5),blur(1)");
  CHECK(canonical("one_of(chest_xray,none)") == "one_of(in_turn(" + chest_xray_augmentation().text() + "),none)");
  CHECK(augment_in_turn().text() == "none");
  CHECK(canonical("none") == "none");
}

TEST_CASE("the ready sets have names") {
  CHECK(canonical("chest_xray") == chest_xray_augmentation().text());
  CHECK(canonical("paper") == paper_augmentation().text());
  for (const auto& ready : detail::ready_augmentations) {
    CHECK(canonical(ready.make().text()) == ready.make().text());
  }
}

TEST_CASE("a JSON array of texts") {
  CHECK(canonical(R"json( ["flip", "rotate(7),blur" , "one_of(noise,gamma)"] )json") ==
        canonical("flip,rotate(7),blur,one_of(noise,gamma)"));
  CHECK(canonical("[]") == "none");
  const std::string ending = ": expected a JSON array of texts, such as [\"flip\", \"rotate(10)\"]";
  for (const std::string json : {"[flip]", "[\"flip\"", "[\"flip\"] x", "[{\"flip\": 1}]", "[1]"}) {
    CHECK(message(json) == "augmentation " + json + ending);
  }
}

TEST_CASE("what is wrong is said, and where") {
  CHECK(message("flip,rotat(10)") ==
        "augmentation 'flip,rotat(10)', character 6: nothing is called 'rotat'; known are " + detail::known_names());
  CHECK(message("rotate(200)") ==
        "augmentation 'rotate(200)', character 8: rotate: degrees must be a number between 0 and 180");
  CHECK(message("rotate(nan)") ==
        "augmentation 'rotate(nan)', character 8: rotate: degrees must be a number between 0 and 180");
  CHECK(message("rotate(5,white)") ==
        "augmentation 'rotate(5,white)', character 10: rotate: border must be reflect or black");
  CHECK(message("rotate(1,black,3)") ==
        "augmentation 'rotate(1,black,3)', character 16: rotate has the settings degrees, border");
  CHECK(message("rotate(angle=3)") ==
        "augmentation 'rotate(angle=3)', character 14: rotate has the settings degrees, border");
  CHECK(message("none(3)") == "augmentation 'none(3)', character 6: none has no settings");
  CHECK(message("clahe(2,2.5)") == "augmentation 'clahe(2,2.5)', character 9: clahe: tiles must be a whole number");
  CHECK(message("scale(1.2,0.8)") == "augmentation 'scale(1.2,0.8)', character 15: scale: low must not exceed high");
  CHECK(message("sometimes(2,flip)") ==
        "augmentation 'sometimes(2,flip)', character 11: the probability must be a number between 0 and 1");
  CHECK(message("sometimes(0.5)") == "augmentation 'sometimes(0.5)', character 14: ',' is missing");
  CHECK(message("one_of(flip") == "augmentation 'one_of(flip', character 12: ')' is missing");
  CHECK(message("flip rotate") == "augmentation 'flip rotate', character 6: 'rotate' is left over");
  CHECK(message("flip,") == "augmentation 'flip,', character 6: the name of an augmentation is missing");
  CHECK(message("") == "augmentation '', character 1: the name of an augmentation is missing");
  std::string deep;
  for (int k = 0; k < 100; ++k) { deep += "one_of("; }
  CHECK(message(deep).ends_with("brackets are nested too deeply"));
  CHECK(message(std::string(5000, 'a')) == "the text of the augmentation is longer than 4000 characters; shorten it");
}
