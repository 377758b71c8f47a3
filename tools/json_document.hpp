#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace segx::tool {

/// JSON in lines, with U+FFFD where names of files are not UTF-8.
inline std::string document_of(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace segx::tool
