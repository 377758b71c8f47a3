# Compiles SOURCE with CXX and succeeds only if that fails and says every sentence behind "// expected-error: "
# at the top of SOURCE, in at most MAX_LINES lines and two errors (GCC reports an unmet constraint twice). OPTIONS are separated
# by "|".
file(STRINGS ${SOURCE} expectations REGEX "^// expected-error: ")
if(NOT expectations)
  message(FATAL_ERROR "does not start with \"// expected-error: <sentence>\"")
endif()
string(REPLACE "|" ";" OPTIONS "${OPTIONS}")
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${CXX} -std=c++20 -fsyntax-only ${OPTIONS} ${SOURCE}
                RESULT_VARIABLE result ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "compiles, but must not")
endif()
string(REPLACE "', '" "" readable "${output}")  # Clang 14 prints the text "abc" as 'a', 'b', 'c'
foreach(line IN LISTS expectations)
  string(REPLACE "// expected-error: " "" sentence "${line}")
  string(FIND "${readable}" "${sentence}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "does not say \"${sentence}\":\n${output}")
  endif()
endforeach()
string(REGEX MATCHALL " error: " errors "${output}")
list(LENGTH errors errors)
string(REGEX MATCHALL "\n" lines "${output}")
list(LENGTH lines lines)
if(errors GREATER 2 OR lines GREATER MAX_LINES)
  message(FATAL_ERROR "needs ${errors} errors and ${lines} lines:\n${output}")
endif()
