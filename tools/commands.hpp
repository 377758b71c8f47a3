#pragma once

#include <CLI/CLI.hpp>

/// The commands of the program. Each adds itself to the command line; what it does runs when its words are parsed.
namespace segx::tool {

void add_synth(CLI::App& app);
void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_predict(CLI::App& app);
void add_import(CLI::App& app);
void add_convert(CLI::App& app);
void add_info(CLI::App& app);
void add_report(CLI::App& app);
void add_bench(CLI::App& app);
void add_augment(CLI::App& app);
void add_plan(CLI::App& app);
void add_paper(CLI::App& app);

/// What a command that did part of its work throws: everything was said already, the status is 1.
struct partly_failed {};

}  // namespace segx::tool
