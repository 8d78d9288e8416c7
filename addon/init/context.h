// Owns what an executing stage remembers between operations. Knows no operation.
#pragma once

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "../plan/ops.h"
#include "../sys/calls.h"
#include "../sys/fd.h"
#include "../sys/lacks.h"
#include "../sys/stat.h"
#include "../sys/text.h"
#include "report.h"

namespace tsrunc::init {

constexpr int kPathMax = 4096;
constexpr unsigned kMaxKept = 8;
constexpr unsigned kMaxCgroups = 32;  // more than there are v1 controllers

// One for each process; init starts with a copy of parent's.
struct Context {
  plan::Reader reader;
  plan::Stage stage = plan::Stage::kParent;
  uint32_t op = 0;  // index of the operation under way

  // Descriptors from `first_fd` up are ours; those below are the container's (stdio and preserved ones).
  int first_fd = 3;
  int sync = -1;  // to the planner
  // Descriptors that came along for single operations, by slot.
  int Slot(uint64_t slot) const { return first_fd + 2 + static_cast<int>(slot); }

  int child = -1;         // parent: the pid of init
  sys::UniqueFd release;  // parent: the writing end; init: the reading end

  sys::UniqueFd pid_namespace;
  bool has_child_namespace = false;    // children are born in another pid namespace than ours
  sys::UniqueFd user_namespace;        // to be joined
  sys::UniqueFd cgroups[kMaxCgroups];  // directories, by slot
  bool born_in_cgroup = false;         // v2: clone3 has put init there already

  char** environment = nullptr;  // of this process: empty, or where hooks inherit it the caller's

  sys::UniqueFd proc;               // a procfs known to be real; every access to /proc goes through it
  sys::UniqueFd root;               // the rootfs, or what the configuration mounts over it; after pivotRoot, "/"
  const char* root_path = nullptr;  // of bindRootfs
  // Mounts whose attributes change once they are filled: by descriptor, since their path could lead elsewhere by then.
  struct Kept {
    const char* path = nullptr;
    sys::UniqueFd mount;
  } kept[kMaxKept];

  // What the opener hands over, sources.h.
  static constexpr uint32_t kSourceBatch = 64;
  struct Sources {
    sys::UniqueFd order, socket;
    int opener = -1, init = -1;
    uint32_t next = 0, count = 0;
    int32_t errors[kSourceBatch] = {};
    sys::UniqueFd fds[kSourceBatch] = {};
  } sources;

  bool is_empty_attached = false;
  sys::UniqueFd empty;     // a detached read-only tmpfs that hides directories
  sys::UniqueFd null;      // the container's null device, once it is known to be that: it hides files
  sys::UniqueFd terminal;  // the container's end of the pseudoterminal
  bool cwd_done = false;
  sys::Text<kPathMax> program;  // what prepareExec has found
  sys::Text<kPathMax> home;     // HOME=... for exec, where process.env has none

  sys::Text<sizeof(Report::detail)> detail;  // goes out with the next failure or warning
};

// Tells the planner and ends this process.
[[noreturn]] void Die(Context& context, const sys::Outcome& outcome);
// Tells the planner of something that the specification lets us go on without.
void Warn(Context& context, const sys::Outcome& outcome);
// Sends a message with one number, ending this process when the planner is gone.
void Tell(Context& context, Message kind, int64_t value, int descriptor = -1);
// Executes every operation of the context's stage, in order.
void RunStage(Context& context);

}  // namespace tsrunc::init
