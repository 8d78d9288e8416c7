// The operations that make the root: prepareRoot (makeRootSlave, makeParentPrivate, bindRootfs), pivotRoot and its
// stand-in.
#include "execute.h"
#include "mounts.h"
#include "proc.h"
#include "resolve.h"
#include "sources.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {
constexpr int kOpenPath = O_PATH | O_CLOEXEC;
}  // namespace

// In a joined mount namespace /proc is the container's word; what parent has opened is the host's, and not for there.
Outcome Execute(Context& context, const plan::openPrivateProc_op&) { return OpenPrivateProc(context); }

// In a joined mount namespace "/" is the container's root already.
Outcome Execute(Context& context, const plan::openRoot_op&) {
  Outcome opened = sys::OpenAt(AT_FDCWD, "/", kOpenPath | O_DIRECTORY);
  if (opened.ok()) context.root.reset(static_cast<int>(opened.value));
  return opened;
}

Outcome Execute(Context&, const plan::makeRootSlave_op& op) { return sys::Mount("", "/", "", op.flags, nullptr); }

// pivot_root(2) refuses a new root whose parent mount is shared. The parent is found by asking each directory upwards:
// EINVAL means that it is no mount point.
Outcome Execute(Context&, const plan::makeParentPrivate_op& op) {
  sys::Text<kPathMax> text;
  if (text.Add(op.path).overflowed()) return Fail(ENAMETOOLONG, sys::Call::k_mount);
  char path[kPathMax];
  __builtin_memcpy(path, text.c_str(), text.size() + 1);
  for (;;) {
    Outcome outcome = sys::Mount("", path, "", Word(MsFlags::kPrivate), nullptr);
    if (outcome.err() != EINVAL || sys::Equal(path, "/")) return outcome;
    const char* slash = sys::LastSlash(path);
    path[slash == path || slash == nullptr ? 1 : slash - path] = '\0';
  }
}

Outcome Execute(Context& context, const plan::bindRootfs_op& op) {
  context.root_path = op.path;
  Source source{op.path};
  TSRUNC_TRY(FindSource(context, &source));
  Outcome cloned = CloneSource(source, true);
  if (cloned.ok()) {
    context.root.reset(static_cast<int>(cloned.value));
    if (source.fd.valid()) return Attach(context.root.get(), source.fd.get());
    return sys::MoveMount(context.root.get(), "", AT_FDCWD, op.path, MOVE_MOUNT_F_EMPTY_PATH);
  }
  if (cloned.err() != ENOSYS) return cloned;
  TSRUNC_TRY(OpenSource(&source));
  TSRUNC_TRY(
      MountOnFd(context, nullptr, source.fd.get(), source.fd.get(), "", MsFlags::kBind | MsFlags::kRec, nullptr));
  Outcome opened = OpenTop(source.fd.get());
  if (!opened.ok()) opened = sys::OpenAt(AT_FDCWD, op.path, kOpenPath | O_DIRECTORY);
  if (opened.ok()) context.root.reset(static_cast<int>(opened.value));
  return opened;
}

Outcome Execute(Context&, const plan::makeRootfsPrivate_op& op) {
  return sys::Mount("", op.path, "", Word(MsFlags::kPrivate | MsFlags::kRec), nullptr);
}

// pivot_root(".", ".") stacks the old root on the new one, pivot_root(2); it then goes, without its going being told to
// the host (MS_SLAVE first).
Outcome Execute(Context& context, const plan::pivotRoot_op&) {
  Outcome opened = sys::OpenAt(AT_FDCWD, "/", kOpenPath | O_DIRECTORY);
  if (!opened.ok()) return opened;
  UniqueFd old_root(opened.value);
  TSRUNC_TRY(sys::Fchdir(context.root.get()));
  TSRUNC_TRY(sys::PivotRoot(".", "."));
  TSRUNC_TRY(sys::Fchdir(old_root.get()));
  TSRUNC_TRY(sys::Mount("", ".", "", Word(MsFlags::kSlave | MsFlags::kRec), nullptr));
  TSRUNC_TRY(sys::Umount2(".", kDetach));
  return sys::Chdir("/");
}

// --no-pivot, for a rootfs in the initial ramdisk, where pivot_root(2) cannot work. The old root stays reachable for
// who may mount. Whoever makes a user namespace gets a procfs of his own as long as a whole one is in his mount
// namespace, even out of reach, with nothing locked on top; a user namespace locks what was mounted before it,
// mount_namespaces(7). So the host's are covered; taking them away could be seen on the host, where the root is shared.
Outcome Execute(Context& context, const plan::moveRoot_op& op) {
  const MsFlags flags = MsFlags::kRdonly | MsFlags::kNosuid | MsFlags::kNodev | MsFlags::kNoexec;
  for (uint32_t i = 0; i < op.cover.count; i++) {
    Outcome covered = sys::Mount("", op.cover[i], "", Word(MsFlags::kPrivate), nullptr);
    if (covered.ok()) covered = sys::Mount("tmpfs", op.cover[i], "tmpfs", Word(flags), "nr_inodes=1");
    if (covered.ok() || covered.err() == ENOENT) continue;  // it has gone since the table was read
    context.detail.Add(op.cover[i]);
    return covered;
  }
  TSRUNC_TRY(sys::Fchdir(context.root.get()));
  TSRUNC_TRY(sys::Mount(".", "/", nullptr, Word(MsFlags::kMove), nullptr));
  TSRUNC_TRY(sys::Chroot("."));
  return sys::Chdir("/");
}

// Where the mount namespace is the host's there is no old root to be taken away; chroot(2) holds who may not chroot.
Outcome Execute(Context& context, const plan::changeRoot_op&) {
  TSRUNC_TRY(sys::Fchdir(context.root.get()));
  TSRUNC_TRY(sys::Chroot("."));
  return sys::Chdir("/");
}

Outcome Execute(Context& context, const plan::takeRoot_op& op) {
  context.root.reset(context.Slot(op.slot));
  return Ok();
}

Outcome Execute(Context&, const plan::setRootPropagation_op& op) { return sys::Mount("", "/", "", op.flags, nullptr); }

Outcome Execute(Context& context, const plan::makeRootReadonly_op&) {
  return ChangeAttributes(context, context.root.get(), {Word(MountAttrs::kRdonly), 0});
}

}  // namespace tsrunc::init
