# Copies an object file and renames what the linker would merge with other objects: its inline functions. Variables stay
# common to all objects, such as those in which the standard library counts the threads that sleep on an atomic.
#   cmake -D NM=… -D OBJCOPY=… -D PREFIX=… -D FROM=… -D TO=… -P rename_inline_functions.cmake

execute_process(COMMAND ${NM} --defined-only --format=posix ${FROM} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
# W: functions; n: the names by which a linker knows groups of sections, where several functions share one (a constructor's
# two forms). It keeps one group of a name, and with that would go the functions of the other objects.
string(REGEX MATCHALL "[^\n ]+ [Wn] " mergeable "${symbols}")
set(renames "")
foreach(symbol IN LISTS mergeable)
  string(REGEX REPLACE " .*" "" name "${symbol}")
  string(APPEND renames "${name} ${PREFIX}${name}\n")
endforeach()
file(WRITE ${TO}.renames "${renames}")
execute_process(COMMAND ${OBJCOPY} --redefine-syms=${TO}.renames ${FROM} ${TO} COMMAND_ERROR_IS_FATAL ANY)
