// openHelper, openPlan: sealed files, for a helper to be and to read. socketPair: where it reports. Does not know what
// a plan says.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace tsrunc::napi
