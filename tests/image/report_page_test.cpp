#include <segx/image/report_page.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <string>

using Catch::Matchers::Contains;

namespace {

long count(const std::string& text, const std::string& part) {
  long found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) { ++found; }
  return found;
}

segx::report example() {
  segx::report r;
  r.title = "Lungs";
  r.summary = "A small network.";
  r.metrics = {{"IoU", "0.953", "overlap"}, {"Dice", "0.976", ""}};
  r.curves = "run/curves.png";
  r.cases = {{"p1", "images/p1.png", "masks/p1.png", "masks/p1.overlay.png", 0.91234}, {"p2", "p2.png", "", "", NAN}};
  r.worst = {{"p1", 0.25, "masks/p1.overlay.png"}, {"p3", 0, ""}, {"p4", 1.5, ""}};
  r.reproduce = "scripts/demo\nsegx eval";
  return r;
}

}  // namespace

TEST_CASE("a page shows every part of its report") {
  const std::string page = segx::report_page(example());
  CHECK_THAT(page, Catch::Matchers::StartsWith("<!doctype html>") && Catch::Matchers::EndsWith("</html>\n"));
  CHECK_THAT(page, Contains("<h1>Lungs</h1>") && Contains("<p>A small network.</p>"));
  CHECK_THAT(page, Contains("0.953") && Contains("overlap"));
  CHECK_THAT(page, Contains("<img src=\"./run/curves.png\""));
  CHECK_THAT(page, Contains("IoU <b>0.912</b>") && Contains("IoU <b>n/a</b>"));
  CHECK_THAT(page, Contains("<pre>scripts/demo\nsegx eval</pre>"));
  CHECK_THAT(page, Contains("width: 25%") && Contains("width: 0%") && Contains("width: 100%"));
  CHECK(count(page, "<img") == 1 + 3 + 1);
}

TEST_CASE("every element of a page is closed") {
  const std::string page = segx::report_page(example());
  for (const std::string tag :
       {"html", "head", "body",    "style",  "title",  "h1",         "h2", "h3",   "p", "table", "tr",    "th",
        "td",   "div",  "article", "header", "figure", "figcaption", "a",  "span", "b", "pre",   "footer"}) {
    INFO(tag);
    CHECK(count(page, "<" + tag + ">") + count(page, "<" + tag + " ") == count(page, "</" + tag + ">"));
  }
}

TEST_CASE("empty parts are left out") {
  segx::report r;
  r.title = "Empty";
  const std::string page = segx::report_page(r);
  CHECK(count(page, "<h2>") == 0);
  CHECK(count(page, "<table>") == 0);
  CHECK(count(page, "<img") == 0);
}

TEST_CASE("text is escaped wherever it stands") {
  const std::string nasty = "<script>\"x'&y\"</script>";
  segx::report r;
  r.title = r.summary = r.cases_note = r.reproduce = nasty;
  r.metrics = {{nasty, nasty, nasty}};
  r.cases = {{nasty, "a.png", "b.png", "c.png", 0.5}};
  r.worst = {{nasty, 0.5, "d.png"}};
  const std::string page = segx::report_page(r);
  CHECK(count(page, "<script") == 0);
  CHECK(count(page, "\"x") == 0);
  // title twice, summary, note, commands; three of the metric; a case's heading and its three alt texts; the worst.
  CHECK(count(page, "&lt;script&gt;&quot;x&#39;&amp;y&quot;&lt;/script&gt;") == 5 + 3 + 4 + 1);
}

TEST_CASE("a link leads to a file beside the page, whatever its name") {
  using segx::detail::html::link;
  CHECK(link("images/a-b_c.1~.png") == "./images/a-b_c.1~.png");
  CHECK(link("a b#1?.png") == "./a%20b%231%3F.png");
  CHECK(link("50%.png") == "./50%25.png");
  CHECK(link("\"><x.png") == "./%22%3E%3Cx.png");
  CHECK(link("ä.png") == "./%C3%A4.png");
  CHECK(link("//host/x.png") == ".///host/x.png");
  CHECK(link("javascript:x") == "./javascript%3Ax");
}

TEST_CASE("a page fetches nothing from elsewhere") {
  const std::string page = segx::report_page(example());
  CHECK(count(page, "http:") + count(page, "https:") + count(page, "//") + count(page, "<link") +
            count(page, "@import") + count(page, "url(") + count(page, "<script") ==
        0);
  CHECK(count(page, "src=\"") == count(page, "src=\"./"));
  CHECK(count(page, "href=\"") == count(page, "href=\"./"));
  CHECK_THAT(page, Contains("prefers-color-scheme: dark") && Contains("width=device-width"));
}
