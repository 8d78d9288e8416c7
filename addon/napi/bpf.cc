// attachDeviceProgram: device rules of cgroup v2. Knows bpf(2); the rules are TypeScript's
// (src/cgroup/device-program.ts).
#include <fcntl.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "../sys/calls.h"
#include "../sys/fd.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

using sys::UniqueFd;

constexpr uint32_t kMaxPrograms = 64;
// Larger than any kernel's bpf_attr and zeroed: Linux 6.17 to 7.1 write past a caller's smaller one on a query.
struct Attributes {
  union bpf_attr attr;
  char room[512];
};

sys::Outcome Bpf(int command, Attributes* attributes) {
  return {sys::Raw(__NR_bpf, command, sys::Arg(&attributes->attr), sizeof(attributes->attr)), sys::Call::k_bpf};
}

Attributes Zeroed() {
  Attributes attributes;
  memset(&attributes, 0, sizeof(attributes));
  return attributes;
}

long Load(Napi::Env env, const Napi::Uint8Array& program) {
  static char license[] = "Apache";
  Attributes load = Zeroed();
  load.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.attr.insns = reinterpret_cast<uint64_t>(program.Data());
  load.attr.insn_cnt = static_cast<uint32_t>(program.ByteLength() / sizeof(bpf_insn));
  load.attr.license = reinterpret_cast<uint64_t>(license);
  return Check(env, Bpf(BPF_PROG_LOAD, &load), "cgroup_device");
}

// Detaches what was there before `keep` came: all attached programs must agree, so an old one would go on denying.
void DetachOthers(Napi::Env env, int cgroup, const uint32_t* ids, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    Attributes get = Zeroed();
    get.attr.prog_id = ids[i];
    UniqueFd program(Check(env, Bpf(BPF_PROG_GET_FD_BY_ID, &get)));
    Attributes detach = Zeroed();
    detach.attr.target_fd = static_cast<uint32_t>(cgroup);
    detach.attr.attach_bpf_fd = static_cast<uint32_t>(program.get());
    detach.attr.attach_type = BPF_CGROUP_DEVICE;
    Check(env, Bpf(BPF_PROG_DETACH, &detach));
  }
}

}  // namespace

Napi::Value AttachDeviceProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>();
  UniqueFd cgroup(Check(env, sys::OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path));
  UniqueFd program(Load(env, info[1].As<Napi::Uint8Array>()));
  uint32_t ids[kMaxPrograms];
  Attributes query = Zeroed();
  query.attr.query.target_fd = static_cast<uint32_t>(cgroup.get());
  query.attr.query.attach_type = BPF_CGROUP_DEVICE;
  query.attr.query.prog_ids = reinterpret_cast<uint64_t>(ids);
  query.attr.query.prog_cnt = kMaxPrograms;
  Check(env, Bpf(BPF_PROG_QUERY, &query), path);
  Attributes attach = Zeroed();
  attach.attr.target_fd = static_cast<uint32_t>(cgroup.get());
  attach.attr.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attach.attr.attach_type = BPF_CGROUP_DEVICE;
  attach.attr.attach_flags = BPF_F_ALLOW_MULTI;
  Check(env, Bpf(BPF_PROG_ATTACH, &attach), path);
  DetachOthers(env, cgroup.get(), ids, query.attr.query.prog_cnt);
  return env.Undefined();
}

}  // namespace tsrunc::napi
