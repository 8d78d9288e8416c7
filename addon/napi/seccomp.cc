// compileSeccomp: a profile in libseccomp's own numbers to the bytes of a BPF program. Knows libseccomp; the words of
// linux.seccomp are TypeScript's (src/plan/seccomp.ts).
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "../sys/fd.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

// libseccomp returns -errno.
void Require(Napi::Env env, int result, const std::string& what) {
  if (result >= 0) return;
  Napi::Error error = SystemError(env, sys::Fail(-result, sys::Call::k_seccomp), what);
  throw error;
}

uint64_t ToUint64(const Napi::Value& value) {
  bool lossless;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

std::vector<scmp_arg_cmp> ReadArgs(const Napi::Array& list) {
  std::vector<scmp_arg_cmp> args;
  for (uint32_t i = 0; i < list.Length(); i++) {
    auto given = list.Get(i).As<Napi::Object>();
    scmp_arg_cmp arg = {};
    arg.arg = given.Get("index").As<Napi::Number>().Uint32Value();
    arg.op = static_cast<scmp_compare>(given.Get("op").As<Napi::Number>().Int32Value());
    arg.datum_a = ToUint64(given.Get("value"));
    arg.datum_b = ToUint64(given.Get("valueTwo"));
    args.push_back(arg);
  }
  return args;
}

using Program = std::vector<sock_filter>;

Program Export(Napi::Env env, scmp_filter_ctx filter) {
  sys::UniqueFd file(memfd_create("tsrunc-seccomp", MFD_CLOEXEC));
  if (!file.valid()) throw SystemError(env, sys::Fail(errno, sys::Call::k_memfd_create));
  Require(env, seccomp_export_bpf(filter, file.get()), "seccomp_export_bpf");
  off_t size = lseek(file.get(), 0, SEEK_END);
  Program program(static_cast<size_t>(size) / sizeof(sock_filter));
  if (pread(file.get(), program.data(), static_cast<size_t>(size), 0) != size)
    throw SystemError(env, sys::Fail(EIO, sys::Call::k_read));
  return program;
}

// The youngest call that the rules name, by architecture: numbers only grow. 0: they name none of this architecture.
class Youngest {
 public:
  explicit Youngest(std::vector<uint32_t> architectures) {
    for (uint32_t token : architectures) numbers_[token] = 0;
  }
  void See(const std::string& name) {
    for (auto& [token, number] : numbers_)
      number = std::max(number, seccomp_syscall_resolve_name_arch(token, name.c_str()));
  }
  // Instructions before the filter's own: younger calls get `err`. X32 shares the kernel's name of x86_64, and marks
  // its numbers with a bit.
  Program Refusal(uint32_t err) const {
    constexpr uint32_t kX32Bit = 0x40000000;
    const sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err);
    Program program;
    for (const auto& [token, number] : numbers_) {
      if (number == 0) continue;
      bool is_x32 = token == SCMP_ARCH_X32;
      uint32_t kernels = is_x32 ? SCMP_ARCH_X86_64 : token;
      program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
      const uint8_t rest = kernels == SCMP_ARCH_X86_64 ? 4 : 3;
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kernels, 0, rest));
      program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
      if (kernels == SCMP_ARCH_X86_64)
        program.push_back(is_x32 ? sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kX32Bit, 0, 2)
                                 : sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kX32Bit, 2, 0));
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<uint32_t>(number), 0, 1));
      program.push_back(refuse);
    }
    return program;
  }

 private:
  std::map<uint32_t, int> numbers_;
};

}  // namespace

// compileSeccomp({defaultAction, architectures, rules: [{name, action, args}], youngerErrno}): Buffer
Napi::Value CompileSeccomp(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto profile = info[0].As<Napi::Object>();
  Filter filter(seccomp_init(profile.Get("defaultAction").As<Napi::Number>()), seccomp_release);
  if (filter == nullptr) Require(env, -EINVAL, "defaultAction");
  std::vector<uint32_t> tokens = {seccomp_arch_native()};
  auto architectures = profile.Get("architectures").As<Napi::Array>();
  for (uint32_t i = 0; i < architectures.Length(); i++) {
    std::string name = architectures.Get(i).As<Napi::String>();
    uint32_t token = seccomp_arch_resolve_name(name.c_str());
    if (token == 0) Require(env, -EINVAL, name);
    int added = seccomp_arch_add(filter.get(), token);
    if (added != -EEXIST) Require(env, added, name);
    tokens.push_back(token);
  }
  Youngest youngest(tokens);
  Require(env, seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0), "SCMP_FLTATR_CTL_NNP");
  // A binary tree instead of a list: fewer instructions for each call once a profile is long. Old libseccomp lacks it.
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  auto rules = profile.Get("rules").As<Napi::Array>();
  for (uint32_t i = 0; i < rules.Length(); i++) {
    Napi::HandleScope scope(env);
    auto rule = rules.Get(i).As<Napi::Object>();
    std::string name = rule.Get("name").As<Napi::String>();
    int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;  // a call that this libseccomp does not know: profiles list the future
    youngest.See(name);
    std::vector<scmp_arg_cmp> args = ReadArgs(rule.Get("args").As<Napi::Array>());
    int added = seccomp_rule_add_array(filter.get(), rule.Get("action").As<Napi::Number>(), number,
                                       static_cast<unsigned>(args.size()), args.data());
    if (added != -EEXIST) Require(env, added, name);
  }
  uint32_t younger = profile.Get("youngerErrno").As<Napi::Number>();
  Program program = younger == 0 ? Program() : youngest.Refusal(younger);
  Program own = Export(env, filter.get());
  program.insert(program.end(), own.begin(), own.end());
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<uint8_t*>(program.data()),
                                     program.size() * sizeof(sock_filter));
}

Napi::Value SeccompVersion(const Napi::CallbackInfo& info) {
  const scmp_version* version = seccomp_version();
  return Napi::String::New(info.Env(), std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                                           std::to_string(version->micro));
}

}  // namespace tsrunc::napi
