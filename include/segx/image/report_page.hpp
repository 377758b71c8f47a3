#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace segx {

/// A row of the table of metrics.
struct report_metric {
  std::string name;     ///< "IoU, mean over images"
  std::string value;    ///< "0.953"
  std::string meaning;  ///< one short sentence, or empty
};

/// An image of the gallery. Pictures are files, named from the page's folder; empty ones are left out.
struct report_case {
  std::string stem;
  std::string image, mask, overlay;
  double iou = std::numeric_limits<double>::quiet_NaN();  ///< NaN where there is no true mask
};

/// An image of the list of worst ones. `picture` is what its name links to, or empty.
struct report_score {
  std::string stem;
  double iou = 0;
  std::string picture;
};

/// What report_page() shows; a part that is empty is left out. All is plain text, which is escaped.
struct report {
  std::string title;
  std::string summary;  ///< what was done, one paragraph
  std::vector<report_metric> metrics;
  std::string metrics_note;  ///< how they were measured
  std::string curves;        ///< file of the picture of the curves, named from the page's folder
  std::vector<report_case> cases;
  std::string cases_note;  ///< what the colours of the overlays mean
  std::vector<report_score> worst;
  std::string reproduce;  ///< the commands, a line each
};

namespace detail::html {

/// A link to a file below the page's folder: whatever its name, it leads neither to another host nor to a query.
std::string link(std::string_view file);

inline constexpr const char* style = R"(
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --ink: #1f2933; --faint: #616e7c; --line: #e1e5ea;
  --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --card: #1d2329; --ink: #e6eaee; --faint: #97a3b0; --line: #313a43; --accent: #56b4e9; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.015em; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.2rem; }
p { max-width: 46rem; margin: 0 0 1rem; }
.note, figcaption, td.meaning, footer { color: var(--faint); font-size: .875rem; }
a { color: var(--accent); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: baseline; }
th { font-weight: 500; }
td.value { width: 6rem; padding-right: 1.5rem; text-align: right; font-weight: 650;
  font-variant-numeric: tabular-nums; }
td.share { width: 40%; vertical-align: middle; }
td.share div { height: .5rem; border-radius: .25rem; background: var(--line); }
td.share div div { background: var(--accent); }
img { display: block; width: 100%; height: auto; border-radius: .375rem; }
.curves { display: block; padding: .75rem; background: #fff; border: 1px solid var(--line); border-radius: .625rem; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1.25rem; }
.case { padding: .875rem; background: var(--card); border: 1px solid var(--line); border-radius: .625rem; }
.case header { display: flex; justify-content: space-between; gap: 1rem; margin-bottom: .625rem; }
.case h3 { margin: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.case .iou { color: var(--faint); white-space: nowrap; font-variant-numeric: tabular-nums; }
.case .iou b { color: var(--ink); }
.pictures { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: .625rem; }
figure { margin: 0; }
figcaption { margin-top: .25rem; text-align: center; }
pre { overflow-x: auto; margin: 0; padding: .875rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .625rem; font: .875rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { margin-top: 3rem; }
@media (max-width: 40rem) { td.meaning { display: none; } }
@media print { .case, .curves { break-inside: avoid; } }
)";

}  // namespace detail::html

/// One HTML page, UTF-8, that shows a report: nothing is fetched but the pictures beside it. Light or dark as the
/// reader's system is, and readable on a telephone.
std::string report_page(const report& r);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/report_page.hpp>
#endif
