// openHelper, openPlan: sealed files. socketPair. launch: starts the helper with them and the container's own
// descriptors. Knows processes and memfds; does not know what a plan says.
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

#include "../launch/launch.h"
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

// Called in the new process, which has a stack of its own and shares the rest with our thread, which is stopped.
int Child(void* argument) { return launch::BecomeHelper(static_cast<launch::Launch*>(argument)); }

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

static std::vector<int> ReadDescriptors(const Napi::Value& value) {
  auto array = value.As<Napi::Array>();
  std::vector<int> descriptors;
  for (uint32_t i = 0; i < array.Length(); i++) descriptors.push_back(array.Get(i).As<Napi::Number>());
  return descriptors;
}

// openPlan(bytes): number — a descriptor of the plan, for a helper to map.
Napi::Value OpenPlan(const Napi::CallbackInfo& info) {
  auto bytes = info[0].As<Napi::Uint8Array>();
  UniqueFd plan = MakeSealed(info.Env(), "tsrunc-plan", kNeverExecutable, bytes.Data(), bytes.ByteLength());
  return Napi::Number::New(info.Env(), plan.release());
}

// socketPair(): [ours, the helper's], for reports.
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  int pair[2];
  Check(info.Env(), Libc(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), Call::k_socketpair));
  auto result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, Napi::Number::New(info.Env(), pair[0]));
  result.Set(1u, Napi::Number::New(info.Env(), pair[1]));
  return result;
}

// launch({helper, sync, plan, slots, preserved, flagsOfInit}): pid
Napi::Value LaunchHelper(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto options = info[0].As<Napi::Object>();
  std::vector<int> preserved = ReadDescriptors(options.Get("preserved"));
  std::sort(preserved.begin(), preserved.end());
  std::vector<int> ours = {options.Get("sync").As<Napi::Number>(), options.Get("plan").As<Napi::Number>()};
  for (int slot : ReadDescriptors(options.Get("slots"))) ours.push_back(slot);
  launch::Launch launch;
  Napi::Value flags_of_init = options.Get("flagsOfInit");
  launch.is_init = flags_of_init.IsNumber();
  if (launch.is_init) launch.flags = flags_of_init.As<Napi::Number>().Uint32Value();
  launch.helper = options.Get("helper").As<Napi::Number>();
  launch.ours = ours.data();
  launch.ours_count = static_cast<int>(ours.size());
  launch.preserved = preserved.data();
  launch.preserved_count = static_cast<int>(preserved.size());

  // No handler of ours may run in the child while it shares our memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto stack = std::make_unique<char[]>(kStackSize);
  int clone_flags = CLONE_VM | CLONE_VFORK | SIGCHLD | static_cast<int>(launch.flags);
  int pid = clone(Child, stack.get() + kStackSize, clone_flags, &launch);
  sys::Outcome cloned = Libc(pid, Call::k_clone3);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  Check(env, cloned);
  if (launch.failed != 0) {
    int status;
    (void)sys::Wait4(pid, &status, 0);
    throw SystemError(env, sys::Fail(launch.failed, Call::k_execve), "tsrunc-init");
  }
  return Napi::Number::New(env, pid);
}

}  // namespace tsrunc::napi
