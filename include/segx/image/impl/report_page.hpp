#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/image/report_page.hpp>

namespace segx {

namespace detail::html {

/// Text as it stands in an element or in a quoted attribute.
inline std::string text(std::string_view plain) {
  std::string escaped;
  for (const char c : plain) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (c == '\'') {
      escaped += "&#39;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

SEGX_IMPL_COLD std::string link(std::string_view file) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/";
  std::string url = "./";
  for (const char c : file) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    if (plain.find(c) != plain.npos) {
      url += c;
    } else {
      url += hex;
    }
  }
  return url;
}

inline std::string score(double iou) {
  if (std::isnan(iou)) { return "n/a"; }
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.3f", iou);
  return digits;
}

inline std::string picture(const std::string& file, const std::string& what, const std::string& stem) {
  if (file.empty()) { return {}; }
  const std::string url = link(file);
  return joined({"<figure><a href=\"", url, "\"><img src=\"", url, "\" alt=\"", text(joined({what, " of ", stem})),
                 "\"></a><figcaption>", text(what), "</figcaption></figure>\n"});
}

}  // namespace detail::html

SEGX_IMPL_COLD std::string report_page(const report& r) {
  using namespace detail;
  std::string page =
      joined({"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
              html::text(r.title), "</title>\n<style>", html::style, "</style>\n</head>\n<body>\n<h1>",
              html::text(r.title), "</h1>\n"});
  if (!r.summary.empty()) { page += joined({"<p>", html::text(r.summary), "</p>\n"}); }

  if (!r.metrics.empty()) {
    page += "\n<h2>Metrics</h2>\n";
    if (!r.metrics_note.empty()) { page += joined({"<p class=\"note\">", html::text(r.metrics_note), "</p>\n"}); }
    page += "<table>\n";
    for (const report_metric& m : r.metrics) {
      page += joined({"<tr><th scope=\"row\">", html::text(m.name), "</th><td class=\"value\">", html::text(m.value),
                      "</td><td class=\"meaning\">", html::text(m.meaning), "</td></tr>\n"});
    }
    page += "</table>\n";
  }

  if (!r.curves.empty()) {
    page += joined({"\n<h2>Training</h2>\n<a class=\"curves\" href=\"", html::link(r.curves), "\"><img src=\"",
                    html::link(r.curves), "\" alt=\"Loss and metrics of each epoch\"></a>\n"});
  }

  if (!r.cases.empty()) {
    page += "\n<h2>Segmented images</h2>\n";
    if (!r.cases_note.empty()) { page += joined({"<p class=\"note\">", html::text(r.cases_note), "</p>\n"}); }
    page += "<div class=\"cases\">\n";
    for (const report_case& c : r.cases) {
      page += joined({"<article class=\"case\">\n<header><h3>", html::text(c.stem), "</h3><span class=\"iou\">IoU <b>",
                      html::score(c.iou), "</b></span></header>\n<div class=\"pictures\">\n",
                      html::picture(c.image, "image", c.stem), html::picture(c.mask, "mask", c.stem),
                      html::picture(c.overlay, "overlay", c.stem), "</div>\n</article>\n"});
    }
    page += "</div>\n";
  }

  if (!r.worst.empty()) {
    page += "\n<h2>Worst images</h2>\n<table>\n";
    for (const report_score& w : r.worst) {
      const std::string name = html::text(w.stem);
      const double share = w.iou > 0 ? std::min(w.iou, 1.0) : 0.0;
      page += joined({"<tr><th scope=\"row\">",
                      w.picture.empty() ? name : joined({"<a href=\"", html::link(w.picture), "\">", name, "</a>"}),
                      "</th><td class=\"value\">", html::score(w.iou),
                      "</td><td class=\"share\"><div><div style=\"width: ", std::lround(100 * share),
                      "%\"></div></div></td></tr>\n"});
    }
    page += "</table>\n";
  }

  if (!r.reproduce.empty()) {
    page += joined({"\n<h2>How to reproduce</h2>\n<pre>", html::text(r.reproduce), "</pre>\n"});
  }
  return joined({page, "\n<footer>Written by segx. The pictures lie beside this page.</footer>\n</body>\n</html>\n"});
}

}  // namespace segx
