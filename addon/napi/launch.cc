// launch: starts the helper from its sealed copy with a plan, a socket and the container's own descriptors.
// openHelper: makes that copy. Knows processes and memfds; does not know what a plan says.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "../sys/calls.h"
#include "../sys/fd.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

using sys::Call;
using sys::UniqueFd;

constexpr unsigned kSealed = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
// memfd_create(2): vm.memfd_noexec decides where neither is given.
constexpr unsigned kExecutable = 0x10, kNeverExecutable = 0x8;  // MFD_EXEC, MFD_NOEXEC_SEAL
constexpr size_t kStackSize = 64 << 10;

// The result of a libc call as an outcome.
sys::Outcome Libc(long result, Call call) { return result < 0 ? sys::Fail(errno, call) : sys::Ok(result); }

UniqueFd MakeSealed(Napi::Env env, const char* name, unsigned flags, const void* data, size_t size) {
  int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
  // Before Linux 6.3 the kernel knows neither flag, and everything is executable.
  if (made < 0 && errno == EINVAL) made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  UniqueFd fd(Check(env, Libc(made, Call::k_memfd_create)));
  const char* at = static_cast<const char*>(data);
  for (size_t left = size; left > 0;) {
    long written = Check(env, sys::Write(fd.get(), at, left));
    at += written;
    left -= static_cast<size_t>(written);
  }
  Check(env, Libc(fcntl(fd.get(), F_ADD_SEALS, kSealed), Call::k_fcntl));
  return fd;
}

// What the new process needs, prepared while allocation is still allowed.
struct Launch {
  int helper;
  std::vector<int> ours;       // sync, plan, then the slots: what becomes first_fd and up
  int first_fd;                // the helper's first own descriptor
  std::vector<int> preserved;  // ascending; all below first_fd
  char number[16];
  char* argv[3];
  int failed = 0;  // errno of the child: it shares our memory until execve
};

// Runs in a process that shares our memory (CLONE_VM) while our thread is stopped (CLONE_VFORK): system calls only, and
// no write but to `launch`.
int Child(void* argument) {
  auto* launch = static_cast<Launch*>(argument);
  // Out of the way of the numbers that they, and the preserved ones, are to have.
  int end = launch->first_fd + static_cast<int>(launch->ours.size());
  sys::Outcome helper = sys::Fcntl(launch->helper, F_DUPFD_CLOEXEC, end);
  if (!helper.ok()) return launch->failed = helper.err();
  for (int& fd : launch->ours) {
    sys::Outcome moved = sys::Fcntl(fd, F_DUPFD_CLOEXEC, end);
    if (!moved.ok()) return launch->failed = moved.err();
    fd = static_cast<int>(moved.value);
  }
  // Node marks what it inherits close-on-exec, and has descriptors of its own between the caller's.
  auto next = launch->preserved.begin();
  for (int fd = 0; fd < launch->first_fd; fd++) {
    bool is_kept = fd < 3 || (next != launch->preserved.end() && *next == fd);
    if (fd >= 3 && is_kept) ++next;
    if (is_kept) (void)sys::Fcntl(fd, F_SETFD, 0);  // EBADF: a hole, which callers may leave
    else (void)sys::Raw(__NR_close, fd);
  }
  int place = launch->first_fd;
  for (int fd : launch->ours) {
    sys::Outcome placed = sys::Dup3(fd, place++, 0);
    if (!placed.ok()) return launch->failed = placed.err();
  }
  char* environment[] = {nullptr};
  long result =
      sys::Raw(__NR_execveat, helper.value, sys::Arg(""), sys::Arg(launch->argv), sys::Arg(environment), AT_EMPTY_PATH);
  return launch->failed = static_cast<int>(-result);
}

}  // namespace

// openHelper(path): number — a descriptor of a copy that nobody can write to any more.
Napi::Value OpenHelper(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>();
  UniqueFd file(Check(env, Libc(open(path.c_str(), O_RDONLY | O_CLOEXEC), Call::k_openat), path));
  struct stat found;
  Check(env, Libc(fstat(file.get(), &found), Call::k_statx), path);
  std::vector<char> bytes(static_cast<size_t>(found.st_size));
  Check(env, sys::Read(file.get(), bytes.data(), bytes.size()), path);
  return Napi::Number::New(env, MakeSealed(env, "tsrunc-init", kExecutable, bytes.data(), bytes.size()).release());
}

std::vector<int> ReadDescriptors(const Napi::Value& value) {
  auto array = value.As<Napi::Array>();
  std::vector<int> descriptors;
  for (uint32_t i = 0; i < array.Length(); i++) descriptors.push_back(array.Get(i).As<Napi::Number>());
  return descriptors;
}

// launch({helper, plan, preserved, slots}): {pid, sync}
Napi::Value LaunchHelper(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto options = info[0].As<Napi::Object>();
  auto bytes = options.Get("plan").As<Napi::Uint8Array>();
  Launch launch = {};
  launch.helper = options.Get("helper").As<Napi::Number>();
  launch.preserved = ReadDescriptors(options.Get("preserved"));
  std::sort(launch.preserved.begin(), launch.preserved.end());
  launch.first_fd = launch.preserved.empty() ? 3 : launch.preserved.back() + 1;
  snprintf(launch.number, sizeof(launch.number), "%d", launch.first_fd);
  static char title[] = "tsrunc-init";
  launch.argv[0] = title;
  launch.argv[1] = launch.number;

  UniqueFd plan = MakeSealed(env, "tsrunc-plan", kNeverExecutable, bytes.Data(), bytes.ByteLength());
  int pair[2];
  Check(env, Libc(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), Call::k_socketpair));
  UniqueFd ours(pair[0]), theirs(pair[1]);
  launch.ours = {theirs.get(), plan.get()};
  for (int slot : ReadDescriptors(options.Get("slots"))) launch.ours.push_back(slot);

  // No handler of ours may run in the child while it shares our memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto stack = std::make_unique<char[]>(kStackSize);
  int pid = clone(Child, stack.get() + kStackSize, CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
  sys::Outcome cloned = Libc(pid, Call::k_clone3);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  Check(env, cloned);
  if (launch.failed != 0) {
    int status;
    (void)sys::Wait4(pid, &status, 0);
    throw SystemError(env, sys::Fail(launch.failed, Call::k_execve), "tsrunc-init");
  }
  auto result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, pid));
  result.Set("sync", Napi::Number::New(env, ours.release()));
  return result;
}

}  // namespace tsrunc::napi
