#include <segx/io/atomic_file.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include "temporary_folder.hpp"

namespace fs = std::filesystem;
using bytes = std::vector<std::byte>;
using segx::read_file, segx::write_file_atomically;

namespace {

std::ptrdiff_t files_in(const temporary_folder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
}

// A content whose wholeness can be seen: as many bytes as its mark says, each of them the mark.
bytes content(int mark) { return bytes(10'000 + static_cast<std::size_t>(mark) * 5'000, std::byte(mark)); }

bool is_whole(const bytes& read) { return !read.empty() && read == content(std::to_integer<int>(read[0])); }

// Writes beyond this size fail as on a full disk, for as long as it lives.
struct file_size_limit {
  rlimit before{};
  decltype(std::signal(SIGXFSZ, SIG_IGN)) handler = std::signal(SIGXFSZ, SIG_IGN);
  explicit file_size_limit(rlim_t limit) {
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit lowered{limit, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &lowered);
  }
  ~file_size_limit() {
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
};

}  // namespace

TEST_CASE("what is written is what is read, at every size, and nothing else is left", "[atomic_file]") {
  const temporary_folder folder;
  const fs::path path = folder / "weights";
  for (const std::size_t size : {0, 1, 4096, 1'000'003, 7}) {
    bytes written(size);
    for (std::size_t i = 0; i < size; ++i) { written[i] = static_cast<std::byte>(i * 7 + i / 256); }
    write_file_atomically(path, written);
    CHECK(read_file(path) == written);
    CHECK(files_in(folder) == 1);
  }
  CHECK((fs::status(path).permissions() & fs::perms::owner_write) != fs::perms::none);
}

TEST_CASE("a name may be as long as names can be", "[atomic_file]") {
  const temporary_folder folder;
  const fs::path path = folder / std::string(255, 'n');
  write_file_atomically(path, content(1));
  CHECK(read_file(path) == content(1));
}

TEST_CASE("pieces are written one behind the other", "[atomic_file]") {
  const temporary_folder folder;
  const bytes first{std::byte{1}, std::byte{2}}, none, last{std::byte{3}};
  write_file_atomically(folder / "file", {first, none, last});
  CHECK(read_file(folder / "file") == bytes{std::byte{1}, std::byte{2}, std::byte{3}});
}

TEST_CASE("a path without a folder is a file of the current folder", "[atomic_file]") {
  const temporary_folder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file_atomically("here", content(1));
  fs::current_path(before);
  CHECK(read_file(folder / "here") == content(1));
}

TEST_CASE("read_file reads what has no size before it is read, but no devices", "[atomic_file]") {
  CHECK(message_of([] { read_file("/dev/null"); }) == "cannot read '/dev/null': it is a device");
  if (fs::exists("/proc/self/status")) { CHECK(read_file("/proc/self/status").size() > 100); }
}

TEST_CASE("read_file names the path and the reason", "[atomic_file]") {
  const temporary_folder folder;
  const std::string absent = (folder / "absent").string(), itself = folder.path().string();
  CHECK(message_of([&] { read_file(absent); }) == "cannot read '" + absent + "': No such file or directory");
  CHECK(message_of([&] { read_file(itself); }) == "cannot read '" + itself + "': Is a directory");

  const fs::path sparse = folder / "sparse";  // as large as files get, on no disk space, where that is possible
  std::ofstream(sparse).put('x');
  std::error_code unsupported;
  fs::resize_file(sparse, std::numeric_limits<std::int64_t>::max(), unsupported);
  if (!unsupported) {
    CHECK(message_of([&] { read_file(sparse); }) ==
          "cannot read '" + sparse.string() + "': it does not fit into memory");
  }
}

TEST_CASE("a write that fails says why, leaves the old file whole and no other", "[atomic_file]") {
  const temporary_folder folder;

  SECTION("no such folder") {
    const fs::path path = folder / "absent" / "weights";
    CHECK(message_of([&] { write_file_atomically(path, content(1)); }) ==
          "cannot write '" + path.string() + "': No such file or directory");
    CHECK(files_in(folder) == 0);
  }
  SECTION("the folder is a file") {
    write_file_atomically(folder / "file", content(1));
    const fs::path path = folder / "file" / "weights";
    CHECK(message_of([&] { write_file_atomically(path, content(2)); }) ==
          "cannot write '" + path.string() + "': Not a directory");
    CHECK(read_file(folder / "file") == content(1));
  }
  SECTION("the file is a folder") {
    const fs::path path = folder / "weights";
    fs::create_directory(path);
    write_file_atomically(path / "inside", content(1));
    CHECK(message_of([&] { write_file_atomically(path, content(2)); }) ==
          "cannot write '" + path.string() + "': it exists and is not a plain file");
    CHECK(read_file(path / "inside") == content(1));
    CHECK(files_in(folder) == 1);
  }
  SECTION("a device is not replaced by a file") {
    CHECK(message_of([&] { write_file_atomically("/dev/null", content(1)); }) ==
          "cannot write '/dev/null': it exists and is not a plain file");
    CHECK(fs::is_character_file("/dev/null"));
  }
  SECTION("the disk is full in the middle") {
    const fs::path path = folder / "weights";
    write_file_atomically(path, content(1));
    std::string message;
    {
      const file_size_limit limit(20'000);
      message = message_of([&] { write_file_atomically(path, content(100)); });
    }
    CHECK(message == "cannot write '" + path.string() + "': File too large");
    CHECK(read_file(path) == content(1));
    CHECK(files_in(folder) == 1);
    write_file_atomically(path, content(100));
    CHECK(read_file(path) == content(100));
  }
}

TEST_CASE("a symbolic link is replaced, the file it led to stays", "[atomic_file]") {
  const temporary_folder folder;
  write_file_atomically(folder / "target", content(1));
  fs::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", content(2));
  CHECK(read_file(folder / "target") == content(1));
  CHECK(read_file(folder / "link") == content(2));
}

TEST_CASE("a reader during writes sees one whole file or another", "[atomic_file]") {
  const temporary_folder folder;
  const fs::path path = folder / "weights";
  write_file_atomically(path, content(1));
  std::atomic<bool> done = false;
  std::thread writers[2];
  for (int w = 0; w < 2; ++w) {
    writers[w] = std::thread([&, w] {
      for (int i = 0; i < 60 && !done; ++i) { write_file_atomically(path, content(1 + (i * 13 + w * 7) % 40)); }
    });
  }
  int torn = 0, reads = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
  for (; std::chrono::steady_clock::now() < end; ++reads) { torn += is_whole(read_file(path)) ? 0 : 1; }
  done = true;
  for (std::thread& writer : writers) { writer.join(); }
  CHECK(torn == 0);
  CHECK(reads > 10);
  CHECK(is_whole(read_file(path)));
  CHECK(files_in(folder) == 1);
}

TEST_CASE("a process killed while it writes leaves a whole file", "[atomic_file]") {
  const temporary_folder folder;
  const fs::path path = folder / "weights";
  write_file_atomically(path, content(1));
  for (int trial = 0; trial < 30; ++trial) {
    const bytes a = content(1 + trial), b = content(40 - trial);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        while (true) {
          write_file_atomically(path, a);
          write_file_atomically(path, b);
        }
      } catch (...) {  // never back into the test runner
        ::_exit(1);
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 700 * trial));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(is_whole(read_file(path)));
  }
}
