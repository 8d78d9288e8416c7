// The operations that mount: mountFs, bindMount, bindCgroup, remount, setMountAttributes. See plan/ops.def.
#include "copy_up.h"
#include "execute.h"
#include "mounts.h"
#include "resolve.h"

namespace tsrunc::init {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

constexpr const char* kSpecial[] = {"/dev", "/proc", "/sys"};
constexpr int kReadDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

bool Names(const plan::Strings& data, const char* key) {
  for (uint32_t i = 0; i < data.count; i++)
    if (sys::StartsWith(data[i], key)) return true;
  return false;
}

// The data of mount(2), joined again for the old call.
sys::Text<kPathMax> Join(const plan::Strings& data, const char* extra) {
  sys::Text<kPathMax> joined;
  for (uint32_t i = 0; i < data.count; i++) joined.Add(i == 0 ? "" : ",").Add(data[i]);
  if (extra != nullptr) joined.Add(joined.size() == 0 ? "" : ",").Add(extra);
  return joined;
}

// After a mount with the old call: a descriptor of what now stands at `path`.
Outcome Reopen(Context& context, const char* path, UniqueFd* out) {
  Outcome opened = OpenInRoot(context.root.get(), path);
  if (opened.ok()) out->reset(static_cast<int>(opened.value));
  return opened;
}

Outcome SetPropagationOld(Context& context, int mounted, const plan::Numbers& flags) {
  for (uint32_t i = 0; i < flags.count; i++)
    TSRUNC_TRY(MountOnFd(context, "", -1, mounted, "", static_cast<MsFlags>(flags.data[i]), nullptr));
  return Ok();
}

// mount_setattr(2) is younger than the rest of the mount API (Linux 5.12).
Outcome Propagate(Context& context, int mounted, const plan::Numbers& flags) {
  Outcome outcome = SetPropagation(mounted, flags);
  return outcome.err() == ENOSYS ? SetPropagationOld(context, mounted, flags) : outcome;
}

void Keep(Context& context, const char* path, UniqueFd&& mount) {
  for (Context::Kept& kept : context.kept) {
    if (kept.path != nullptr && !sys::Equal(kept.path, path)) continue;
    kept.path = path;
    kept.mount = static_cast<UniqueFd&&>(mount);
    return;
  }
}

// The mount that an earlier operation made at `path`; what stands there now where that one was not kept.
Outcome FindKept(Context& context, const char* path, UniqueFd* out) {
  for (Context::Kept& kept : context.kept) {
    if (kept.path == nullptr || !sys::Equal(kept.path, path)) continue;
    *out = static_cast<UniqueFd&&>(kept.mount);
    kept.path = nullptr;
    return Ok();
  }
  return Reopen(context, path, out);
}

// Whether the two stand for the same directory of the same mount.
bool IsSame(const struct statx& a, const struct statx& b) {
  return a.stx_ino == b.stx_ino && a.stx_mnt_id == b.stx_mnt_id && a.stx_dev_major == b.stx_dev_major &&
         a.stx_dev_minor == b.stx_dev_minor;
}

// A link of the image may lead a mount anywhere inside, but not onto /dev, /proc or /sys: what the runtime then makes
// in /dev would be made in a volume of the host.
Outcome RefuseAlias(Context& context, const char* path, int target) {
  struct statx there, root, special;
  TSRUNC_TRY(sys::Statx(target, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &there));
  TSRUNC_TRY(sys::Statx(context.root.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &root));
  if (there.stx_mnt_id == root.stx_mnt_id) return Ok();  // not on a mount of ours at all
  for (const char* name : kSpecial) {
    if (sys::StartsWith(path, name)) continue;
    Outcome opened = OpenInRoot(context.root.get(), name);
    if (!opened.ok()) continue;
    UniqueFd directory(opened.value);
    TSRUNC_TRY(sys::Statx(directory.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &special));
    if (!IsSame(there, special)) continue;
    context.detail.Add("a symbolic link of the rootfs leads it to ").Add(name);
    return sys::Fail(ELOOP, sys::Call::k_move_mount);
  }
  return Ok();
}

// Where the path has no link in it, as nearly always, it leads where it says.
Outcome OpenMountTarget(Context& context, const char* path, Kind kind, Links links, bool* existed, UniqueFd* out) {
  Outcome opened = OpenTarget(context.root.get(), path, kind, Links::kRefuse, existed);
  bool has_link = opened.err() == ELOOP && links == Links::kFollowInRoot;
  if (has_link) opened = OpenTarget(context.root.get(), path, kind, links, existed);
  if (!opened.ok()) return opened;
  out->reset(static_cast<int>(opened.value));
  return has_link ? RefuseAlias(context, path, out->get()) : Ok();
}

Outcome MountFsOld(Context& context, const plan::mountFs_op& op, int target, const char* extra) {
  sys::Text<kPathMax> data = Join(op.data, extra);
  if (data.overflowed()) return sys::Fail(ENAMETOOLONG, sys::Call::k_mount);
  TSRUNC_TRY(MountOnFd(context, op.source, -1, target, op.type, static_cast<MsFlags>(op.msFlags), data.c_str()));
  UniqueFd mounted;
  TSRUNC_TRY(Reopen(context, op.target, &mounted));
  if (op.copyUp != 0) {
    Outcome from = sys::OpenAt(target, ".", kReadDirectory), to = sys::OpenAt(mounted.get(), ".", kReadDirectory);
    UniqueFd from_fd(from.value), to_fd(to.value);
    TSRUNC_TRY(CopyUp(from_fd.get(), to_fd.get()));
  }
  return SetPropagationOld(context, mounted.get(), op.propagation);
}

// Opens the place for the bind of `tree`: a file for a file, a directory for a directory.
Outcome OpenBindTarget(Context& context, const char* path, int tree, UniqueFd* out) {
  struct statx source;
  TSRUNC_TRY(sys::Statx(tree, "", AT_EMPTY_PATH, STATX_TYPE, &source));
  Kind kind = (source.stx_mode & S_IFMT) == S_IFDIR ? Kind::kDirectory : Kind::kFile;
  bool existed;
  return OpenMountTarget(context, path, kind, Links::kFollowInRoot, &existed, out);
}

template <class BindOp>
Outcome SetBindAttributes(int tree, const BindOp& op) {
  TSRUNC_TRY(SetAttributes(tree, {op.set, op.clear}, false));
  return SetAttributes(tree, {op.recursiveSet, op.recursiveClear}, true);
}

Outcome BindOld(Context& context, const plan::bindMount_op& op, int source, int target) {
  if (op.recursiveSet != 0 || op.recursiveClear != 0) return sys::Fail(ENOSYS, sys::Call::k_mount_setattr);
  auto flags = static_cast<MsFlags>(op.msFlags);
  MsFlags bind = MsFlags::kBind | (Has(flags, MsFlags::kRec) ? MsFlags::kRec : MsFlags::kNone);
  TSRUNC_TRY(MountOnFd(context, nullptr, source, target, nullptr, bind, nullptr));
  UniqueFd mounted;
  TSRUNC_TRY(Reopen(context, op.target, &mounted));
  struct statx from, now;
  TSRUNC_TRY(sys::Statx(source, "", AT_EMPTY_PATH, STATX_INO, &from));
  TSRUNC_TRY(sys::Statx(mounted.get(), "", AT_EMPTY_PATH, STATX_INO, &now));
  if (from.stx_ino != now.stx_ino || from.stx_dev_minor != now.stx_dev_minor || from.stx_dev_major != now.stx_dev_major)
    return sys::Fail(ELOOP, sys::Call::k_mount);  // somebody swapped the target while we mounted
  if (op.set != 0 || op.clear != 0) {
    uint64_t statfs[16];
    TSRUNC_TRY(sys::Fstatfs(mounted.get(), statfs));
    uint64_t attrs = (AttrsOfStatfs(statfs[10]) & ~op.clear) | op.set;  // [10] is f_flags on 64-bit machines
    MsFlags remount = MsFlags::kRemount | MsFlags::kBind | ToMsFlags(attrs);
    TSRUNC_TRY(MountOnFd(context, "", -1, mounted.get(), nullptr, remount, nullptr));
  }
  return SetPropagationOld(context, mounted.get(), op.propagation);
}

}  // namespace

Outcome Execute(Context& context, const plan::mountFs_op& op) {
  bool existed;
  // Over a symbolic link a /proc or /sys would land where the image wants it (CVE-2019-19921 and its successors).
  Links links = op.isStrict != 0 ? Links::kRefuse : Links::kFollowInRoot;
  UniqueFd target;
  TSRUNC_TRY(OpenMountTarget(context, op.target, Kind::kDirectory, links, &existed, &target));

  // A tmpfs over a directory of the image keeps that directory's mode, unless the configuration names one.
  sys::Text<16> mode;
  if (existed && sys::Equal(op.type, "tmpfs") && !Names(op.data, "mode=")) {
    struct statx found;
    TSRUNC_TRY(sys::Statx(target.get(), "", AT_EMPTY_PATH, STATX_MODE, &found));
    mode.Add("mode=");
    for (int shift = 9; shift >= 0; shift -= 3) mode.AddNumber((found.stx_mode >> shift) & 7);
  }
  const char* extra = mode.size() == 0 ? nullptr : mode.c_str();

  // What is copied up must be written first: read-only comes after.
  uint64_t later = op.copyUp != 0 ? op.attributes & Word(MountAttrs::kRdonly) : 0;
  uint64_t super = op.copyUp != 0 ? op.msFlags & ~Word(MsFlags::kRdonly) : op.msFlags;
  Outcome made = NewMount(context, op.type, op.source, &op.data, extra, super, op.attributes & ~later);
  if (made.err() == ENOSYS || made.err() == ENAMETOOLONG) return MountFsOld(context, op, target.get(), extra);
  if (!made.ok()) return made;
  UniqueFd mount(made.value);
  if (op.copyUp != 0) {
    Outcome from = sys::OpenAt(target.get(), ".", kReadDirectory), to = sys::OpenAt(mount.get(), ".", kReadDirectory);
    UniqueFd from_fd(from.value), to_fd(to.value);
    TSRUNC_TRY(CopyUp(from_fd.get(), to_fd.get()));
    TSRUNC_TRY(SetAttributes(mount.get(), {later, 0}, false));
  }
  TSRUNC_TRY(Attach(mount.get(), target.get()));
  TSRUNC_TRY(Propagate(context, mount.get(), op.propagation));
  if (sys::Equal(op.type, "tmpfs")) Keep(context, op.target, static_cast<UniqueFd&&>(mount));
  return Ok();
}

Outcome Execute(Context& context, const plan::bindMount_op& op) {
  bool recursive = Has(static_cast<MsFlags>(op.msFlags), MsFlags::kRec);
  UniqueFd tree;
  Outcome cloned = CloneMount(AT_FDCWD, op.source, recursive);
  if (cloned.ok()) {
    tree.reset(static_cast<int>(cloned.value));
    cloned = SetBindAttributes(tree.get(), op);
  }
  bool is_old = cloned.err() == ENOSYS;
  if (is_old) {
    cloned = sys::OpenAt(AT_FDCWD, op.source, O_PATH | O_CLOEXEC);
    if (cloned.ok()) tree.reset(static_cast<int>(cloned.value));
  }
  if (!cloned.ok()) {
    context.detail.Add(op.source);
    return cloned;
  }
  UniqueFd target;
  TSRUNC_TRY(OpenBindTarget(context, op.target, tree.get(), &target));
  if (is_old) return BindOld(context, op, tree.get(), target.get());
  TSRUNC_TRY(Attach(tree.get(), target.get()));
  return Propagate(context, tree.get(), op.propagation);
}

Outcome Execute(Context& context, const plan::attachMount_op& op) {
  UniqueFd tree(context.Slot(op.slot)), target;
  TSRUNC_TRY(SetBindAttributes(tree.get(), op));
  TSRUNC_TRY(OpenBindTarget(context, op.target, tree.get(), &target));
  TSRUNC_TRY(Attach(tree.get(), target.get()));
  return Propagate(context, tree.get(), op.propagation);
}

Outcome Execute(Context& context, const plan::detachMount_op& op) {
  UniqueFd mounted;
  TSRUNC_TRY(Reopen(context, op.target, &mounted));
  return DetachFd(context, mounted.get());
}

Outcome Execute(Context& context, const plan::bindCgroup_op& op) {
  return Execute(context, plan::bindMount_op{op.source, op.target, op.msFlags, op.set, op.clear, op.recursiveSet,
                                             op.recursiveClear, op.propagation});
}

Outcome Execute(Context& context, const plan::remount_op& op) {
  UniqueFd mounted;
  TSRUNC_TRY(Reopen(context, op.target, &mounted));
  TSRUNC_TRY(MountOnFd(context, "", -1, mounted.get(), "", static_cast<MsFlags>(op.msFlags), op.data));
  return SetPropagationOld(context, mounted.get(), op.propagation);
}

Outcome Execute(Context& context, const plan::setMountAttributes_op& op) {
  UniqueFd mounted;
  TSRUNC_TRY(FindKept(context, op.target, &mounted));
  Outcome outcome = SetAttributes(mounted.get(), {op.set, op.clear}, false);
  if (outcome.err() != ENOSYS) return outcome;
  uint64_t statfs[16];
  TSRUNC_TRY(sys::Fstatfs(mounted.get(), statfs));
  MsFlags flags = MsFlags::kRemount | MsFlags::kBind | ToMsFlags((AttrsOfStatfs(statfs[10]) & ~op.clear) | op.set);
  return MountOnFd(context, "", -1, mounted.get(), nullptr, flags, nullptr);
}

}  // namespace tsrunc::init
