// Accesses to /proc; see proc.h.
#include "proc.h"

#include <linux/magic.h>

#include "mounts.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

constexpr uint64_t kProcRootInode = 1;

Outcome CheckProc(int fd) {
  uint64_t statfs[16];
  TSRUNC_TRY(sys::Fstatfs(fd, statfs));
  struct statx found;
  TSRUNC_TRY(sys::Statx(fd, "", AT_EMPTY_PATH, STATX_INO, &found));
  bool is_proc = statfs[0] == PROC_SUPER_MAGIC && found.stx_ino == kProcRootInode;
  return is_proc ? Ok() : Fail(ENODEV, sys::Call::k_fstatfs);
}

Outcome Take(Context& context, const Outcome& opened) {
  if (!opened.ok()) return opened;
  context.proc.reset(static_cast<int>(opened.value));
  return CheckProc(context.proc.get());
}

}  // namespace

Outcome OpenHostProc(Context& context) {
  return Take(context, sys::OpenAt(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// In a user namespace the kernel refuses a procfs to who sees masks on the old one.
Outcome OpenPrivateProc(Context& context) {
  Outcome made = NewDetached(context, "proc", "proc", nullptr, nullptr, 0, 0);
  context.detail = {};
  return made.ok() ? Take(context, made) : OpenHostProc(context);
}

Outcome OpenInProc(Context& context, const char* path) {
  struct open_how how = {};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  Outcome opened = sys::OpenAt2(context.proc.get(), path, &how);
  if (sys::IsLacking(opened)) opened = sys::OpenAt(context.proc.get(), path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (!opened.ok()) return opened;
  UniqueFd file(opened.value);
  uint64_t statfs[16];
  TSRUNC_TRY(sys::Fstatfs(file.get(), statfs));
  if (statfs[0] != PROC_SUPER_MAGIC) return Fail(ENODEV, sys::Call::k_fstatfs);  // mounted over
  return Ok(file.release());
}

}  // namespace tsrunc::init
