// The operations that take paths away from the container: readonlyPath, maskPath; and writeSysctl, which writes to
// procfs. They run after pivotRoot, on the container's own view, resolved without magic links.
#include "execute.h"
#include "mounts.h"
#include "proc.h"
#include "resolve.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {
constexpr uint64_t kHidden =
    Word(MountAttrs::kRdonly) | Word(MountAttrs::kNosuid) | Word(MountAttrs::kNodev) | Word(MountAttrs::kNoexec);

// A path that the container does not have needs no hiding.
bool IsAbsent(const Outcome& outcome) { return outcome.err() == ENOENT || outcome.err() == ENOTDIR; }

// One empty directory serves every mask: a superblock each made teardown slow with hundreds of masks.
Outcome OpenEmpty(Context& context) {
  if (context.empty.valid()) return Ok();
  Outcome made = NewMount(context, "tmpfs", "tmpfs", nullptr, "nr_inodes=1", 0, kHidden);
  if (made.ok()) context.empty.reset(static_cast<int>(made.value));
  return made;
}

// The container's /dev/null, if that is what it is: a link there could make us bind whatever it names (CVE-2025-31133).
// The number of the device is what is asked, on the very descriptor that is bound.
Outcome OpenNull(Context& context) {
  if (context.null.valid()) return Ok();
  Outcome opened = OpenInRoot(context.root.get(), "dev/null");
  if (!opened.ok()) return opened;
  UniqueFd null(opened.value);
  struct statx found;
  TSRUNC_TRY(sys::Statx(null.get(), "", AT_EMPTY_PATH, STATX_TYPE, &found));
  bool is_null = (found.stx_mode & S_IFMT) == S_IFCHR && found.stx_rdev_major == 1 && found.stx_rdev_minor == 3;
  if (is_null) context.null = static_cast<UniqueFd&&>(null);
  if (is_null) return Ok();
  context.detail.Add("the container's /dev/null is not the null device");
  return Fail(ENODEV, sys::Call::k_openat2);
}

Outcome HideDirectory(Context& context, int target) {
  Outcome empty = OpenEmpty(context);
  if (empty.err() == ENOSYS) return MountOnFd(context, "tmpfs", -1, target, "tmpfs", ToMsFlags(kHidden), "nr_inodes=1");
  if (!empty.ok()) return empty;
  if (context.is_empty_attached) {
    Outcome cloned = CloneMount(context.empty.get(), "", false);
    if (!cloned.ok()) return cloned;
    UniqueFd mount(cloned.value);
    return Attach(mount.get(), target);
  }
  context.is_empty_attached =
      true;  // before Linux 6.15 only an attached mount can be cloned: the first is the original
  return Attach(context.empty.get(), target);
}

Outcome HideFile(Context& context, int target) {
  TSRUNC_TRY(OpenNull(context));
  Outcome cloned = CloneMount(context.null.get(), "", false);
  if (cloned.err() == ENOSYS)
    return MountOnFd(context, nullptr, context.null.get(), target, nullptr, MsFlags::kBind, nullptr);
  if (!cloned.ok()) return cloned;
  UniqueFd mount(cloned.value);
  return Attach(mount.get(), target);
}

// The way of mount(2): bound on itself, then remounted. What is remounted must be what was bound: the path is walked
// again, and could lead elsewhere by now.
Outcome MakeReadonlyOld(Context& context, const char* path, int target) {
  TSRUNC_TRY(MountOnFd(context, nullptr, target, target, nullptr, MsFlags::kBind | MsFlags::kRec, nullptr));
  Outcome reopened = OpenInRoot(context.root.get(), path);
  if (!reopened.ok()) return reopened;
  UniqueFd mounted(reopened.value);
  struct statx before, now;
  TSRUNC_TRY(sys::Statx(target, "", AT_EMPTY_PATH, STATX_INO, &before));
  TSRUNC_TRY(sys::Statx(mounted.get(), "", AT_EMPTY_PATH, STATX_INO, &now));
  bool is_same = before.stx_ino == now.stx_ino && before.stx_dev_major == now.stx_dev_major &&
                 before.stx_dev_minor == now.stx_dev_minor;
  if (!is_same) return Fail(ELOOP, sys::Call::k_mount);
  uint64_t statfs[16];
  TSRUNC_TRY(sys::Fstatfs(mounted.get(), statfs));
  MsFlags flags = MsFlags::kRemount | MsFlags::kBind | MsFlags::kRdonly | ToMsFlags(AttrsOfStatfs(statfs[10]));
  return MountOnFd(context, "", -1, mounted.get(), nullptr, flags, nullptr);
}

}  // namespace

Outcome Execute(Context& context, const plan::maskPath_op& op) {
  Outcome opened = OpenInRoot(context.root.get(), op.path);
  if (IsAbsent(opened)) return Ok();
  if (!opened.ok()) return opened;
  UniqueFd target(opened.value);
  struct statx found;
  TSRUNC_TRY(sys::Statx(target.get(), "", AT_EMPTY_PATH, STATX_TYPE, &found));
  return (found.stx_mode & S_IFMT) == S_IFDIR ? HideDirectory(context, target.get()) : HideFile(context, target.get());
}

// Cloned, made read-only and put on top by one descriptor: no moment at which a swapped component could stay writable.
Outcome Execute(Context& context, const plan::readonlyPath_op& op) {
  Outcome opened = OpenInRoot(context.root.get(), op.path);
  if (IsAbsent(opened)) return Ok();
  if (!opened.ok()) return opened;
  UniqueFd target(opened.value);
  Outcome cloned = CloneMount(target.get(), "", true);
  if (cloned.err() == ENOSYS) return MakeReadonlyOld(context, op.path, target.get());
  if (!cloned.ok()) return cloned;
  UniqueFd mount(cloned.value);
  TSRUNC_TRY(
      SetAttributes(mount.get(), {Word(MountAttrs::kRdonly), 0}, false));  // as the peers: what is mounted below stays
  return Attach(mount.get(), target.get());
}

Outcome Execute(Context& context, const plan::writeSysctl_op& op) {
  Outcome opened = OpenInProc(context, op.path);
  if (!opened.ok()) return opened;
  UniqueFd file(opened.value);
  return sys::Write(file.get(), op.value, sys::Length(op.value));
}

}  // namespace tsrunc::init
