#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <opencv2/core/utility.hpp>
#include <system_error>

#include "commands.hpp"

namespace {

/// False, after saying so, if something could not be written to standard output, as where a disk is full.
bool printed_all() {
  if (std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) { return true; }
  std::cerr << "segx: standard output cannot be written, what was printed is not whole\n";
  return false;
}

}  // namespace

/// Exit status: 0 done, 1 failed (one line says why), 2 wrong usage.
int main(int argc, char** argv) {
  cv::setNumThreads(1);  // segx has threads of its own
  CLI::App app{
      "segx trains and runs segmentation networks on chest X-rays.\n\n"
      "  segx synth   --out data --count 200                       write chest phantoms with exact lung masks\n"
      "  segx train   --data data --model unet8 --out run          train a network on images and masks\n"
      "  segx eval    --weights run/best.safetensors --data data   measure it\n"
      "  segx predict --weights run/best.safetensors --out masks image.png\n"
      "  segx info    --model unet16                               what a network is made of\n"
      "  segx bench   --model unet16                               how fast it is here\n"
      "  segx augment --data data --preview sheet.png              what random changes of the training look like\n"
      "  segx plan    --data data --out recipe.json                what to train on these images, and how\n"
      "  segx paper   --data data --out table                      the five models of the paper, trained and compared\n"
      "  segx import  --encoder mobilenet_v2_tf FILE --out E       a weight file of published ImageNet weights\n"
      "  segx convert --weights W --half --out V                   a weight file anew, in half the space\n"
      "  segx report  --run run --data data --masks masks …        one HTML page of a training\n\n"
      "A data folder holds images/NAME.png (or JPEG, 8 or 16 bit, any size) and masks/NAME.png (0 and 255).\n"
      "'segx COMMAND --help' explains a command."};
  app.name("segx");
  app.set_version_flag("--version", "segx " SEGX_VERSION);
  segx::tool::add_synth(app);
  segx::tool::add_train(app);
  segx::tool::add_eval(app);
  segx::tool::add_predict(app);
  segx::tool::add_import(app);
  segx::tool::add_convert(app);
  segx::tool::add_info(app);
  segx::tool::add_report(app);
  segx::tool::add_bench(app);
  segx::tool::add_augment(app);
  segx::tool::add_plan(app);
  segx::tool::add_paper(app);

  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) {
      std::cerr << app.help();
      return 2;
    }
    return printed_all() ? 0 : 1;
  } catch (const CLI::ParseError& wrong) {
    if (app.get_subcommands().empty() && !app.remaining().empty()) {  // CLI11 would say that a command is missing
      std::cerr << "There is no command \"" << app.remaining().front() << "\"\nRun with --help for more information.\n";
      return 2;
    }
    if (app.exit(wrong) != 0) { return 2; }
    return printed_all() ? 0 : 1;  // --help, --version
  } catch (const segx::tool::partly_failed&) { return 1; } catch (const std::bad_alloc&) {
    std::cerr
        << "segx: this needs more memory than the machine gives; take smaller images (--size) or batches (--batch)\n";
    return 1;
  } catch (const std::filesystem::filesystem_error& refused) {
    std::cerr << "segx: " << refused.path1().string() << ": " << refused.code().message() << '\n';
    return 1;
  } catch (const std::system_error& refused) {
    const bool lacks_threads = refused.code() == std::errc::resource_unavailable_try_again;
    std::cerr << "segx: " << refused.what()
              << (lacks_threads ? ": the machine starts no more threads; ask for fewer (--threads)\n" : "\n");
    return 1;
  } catch (const std::exception& failure) {
    std::cerr << "segx: " << failure.what() << '\n';
    return 1;
  }
}
