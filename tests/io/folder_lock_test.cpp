#include <segx/io/folder_lock.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>

#include "temporary_folder.hpp"

using Catch::Matchers::Contains;
using segx::folder_lock;

TEST_CASE("a folder is locked once at a time, and others do not matter", "[io]") {
  const temporary_folder folder, other;
  std::optional<folder_lock> lock{folder.path()};
  CHECK_THAT(message_of([&] { folder_lock{folder.path()}; }),
             Contains("another training runs in the folder '" + folder.path().string() + "'; wait"));
  CHECK_NOTHROW(folder_lock{other.path()});
  lock.reset();
  CHECK_NOTHROW(folder_lock{folder.path()});
  CHECK_NOTHROW(folder_lock{folder.path()});
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a lock of another process counts, until that ends without ado", "[io]") {
  const temporary_folder folder;
  int is_locked[2], may_end[2];
  REQUIRE((::pipe(is_locked) == 0 && ::pipe(may_end) == 0));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  char letter = 'x';
  if (child == 0) {
    try {
      const folder_lock lock{folder.path()};
      ::_exit(::write(is_locked[1], &letter, 1) == 1 && ::read(may_end[0], &letter, 1) == 1 ? 0 : 1);
    } catch (...) {  // never back into the test runner
      ::_exit(1);
    }
  }
  ::close(is_locked[1]);
  REQUIRE(::read(is_locked[0], &letter, 1) == 1);
  CHECK_THROWS_AS(folder_lock{folder.path()}, segx::error);
  REQUIRE(::write(may_end[1], &letter, 1) == 1);
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK_NOTHROW(folder_lock{folder.path()});
  for (const int end : {is_locked[0], may_end[0], may_end[1]}) { ::close(end); }
}

TEST_CASE("what is no folder is not locked", "[io]") {
  const temporary_folder folder;
  write_text(folder / "file", "");
  for (const char* name : {"file", "absent"}) {
    CHECK_THAT(message_of([&] { folder_lock{folder / name}; }),
               Contains("cannot open the folder '" + (folder / name).string() + "' ("));
  }
}
