// The operations that mount: mountFs, bindMount, bindCgroup, remount, setMountAttributes. See plan/ops.def.
#include <linux/magic.h>

#include "copy_up.h"
#include "execute.h"
#include "identity.h"
#include "mounts.h"
#include "resolve.h"
#include "sources.h"

namespace tsrunc::init {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

// What the kernel shows and takes by files, and below which directory it is for who names it outright.
constexpr struct {
  uint64_t magic;
  const char* directory;
} kKernelFiles[] = {{PROC_SUPER_MAGIC, "/proc"},   {SYSFS_MAGIC, "/sys"},      {CGROUP_SUPER_MAGIC, "/sys"},
                    {CGROUP2_SUPER_MAGIC, "/sys"}, {SECURITYFS_MAGIC, "/sys"}, {DEBUGFS_MAGIC, "/sys"},
                    {TRACEFS_MAGIC, "/sys"}};
constexpr int kReadDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
// Flags of mount(2) that are no attributes of the mount: those are in a word of their own.
constexpr uint64_t kOfSuperblock =
    MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_SILENT | MS_I_VERSION | MS_LAZYTIME | MS_RDONLY;

bool Names(const plan::Strings& data, const char* key) {
  for (uint32_t i = 0; i < data.count; i++)
    if (sys::StartsWith(data[i], key)) return true;
  return false;
}

Outcome Take(const Outcome& opened, UniqueFd* out) {
  if (opened.ok()) out->reset(static_cast<int>(opened.value));
  return opened;
}

// The data of mount(2), joined again for the old call.
sys::Text<kPathMax> Join(const plan::Strings& data, const char* extra) {
  sys::Text<kPathMax> joined;
  for (uint32_t i = 0; i < data.count; i++) joined.Add(i == 0 ? "" : ",").Add(data[i]);
  if (extra != nullptr) joined.Add(joined.size() == 0 ? "" : ",").Add(extra);
  return joined;
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
  return Take(OpenInRoot(context.root.get(), path), out);
}

// Whether the two stand for the same directory of the same mount.
bool IsSame(const struct statx& a, const struct statx& b) {
  return a.stx_ino == b.stx_ino && a.stx_mnt_id == b.stx_mnt_id && a.stx_dev_major == b.stx_dev_major &&
         a.stx_dev_minor == b.stx_dev_minor;
}

bool IsBelow(const char* path, const char* directory) {
  while (path[0] == '/' && path[1] == '/') path++;
  if (!sys::StartsWith(path, directory)) return false;
  char next = path[sys::Length(directory)];
  return next == '\0' || next == '/';
}

Outcome RefuseLink(Context& context, const char* where) {
  context.detail.Add("a symbolic link of the rootfs leads it to ").Add(where);
  return sys::Fail(ELOOP, sys::Call::k_move_mount);
}

// A link of the image may lead a mount anywhere inside, but not to files of the kernel, which would then be the image's
// words; nor onto /dev: what the runtime then makes there would be made in a volume of the host. The file system is
// asked, not the name.
Outcome RefuseAlias(Context& context, const char* path, int target) {
  uint64_t statfs[16];
  TSRUNC_TRY(sys::Fstatfs(target, statfs));
  for (const auto& kernel : kKernelFiles)
    if (statfs[0] == kernel.magic && !IsBelow(path, kernel.directory)) return RefuseLink(context, kernel.directory);
  struct statx there, root, dev;
  TSRUNC_TRY(Identify(context, target, &there));
  TSRUNC_TRY(Identify(context, context.root.get(), &root));
  if (there.stx_mnt_id == root.stx_mnt_id || IsBelow(path, "/dev")) return Ok();  // not on a mount of ours at all
  Outcome opened = OpenInRoot(context.root.get(), "dev");
  if (!opened.ok()) return Ok();
  UniqueFd directory(opened.value);
  TSRUNC_TRY(Identify(context, directory.get(), &dev));
  return IsSame(there, dev) ? RefuseLink(context, "/dev") : Ok();
}

// The place in the container that a mount goes on.
struct Target {
  const char* path;
  UniqueFd fd = {};
  bool existed = false;
  bool is_root = false;  // the mount becomes the container's root
  struct statx found = {};
};

// A mount on the root: pivot_root(2) refuses a root whose parent is shared, and none of it is for the host to see.
Outcome MakeRootPrivate(Context& context) {
  const uint64_t flags[] = {Word(MsFlags::kPrivate)};
  return Propagate(context, context.root.get(), {flags, 1});
}

// Where the path has no link in it, as nearly always, it leads where it says. What is there must be what is mounted: a
// directory, or not; the kernel has several words for that, and mount(2)'s is what engines look for.
Outcome OpenMountTarget(Context& context, Kind kind, Links links, Target* target) {
  Outcome opened = OpenTarget(context.root.get(), target->path, kind, Links::kRefuse, &target->existed);
  bool has_link = opened.err() == ELOOP && links == Links::kFollowInRoot;
  if (has_link) opened = OpenTarget(context.root.get(), target->path, kind, links, &target->existed);
  TSRUNC_TRY(Take(opened, &target->fd));
  TSRUNC_TRY(Identify(context, target->fd.get(), &target->found));
  bool is_directory = (target->found.stx_mode & S_IFMT) == S_IFDIR;
  if (is_directory != (kind == Kind::kDirectory)) return sys::Fail(ENOTDIR, sys::Call::k_mount);
  target->is_root = sys::Equal(target->path, "/");
  if (has_link) {
    TSRUNC_TRY(RefuseAlias(context, target->path, target->fd.get()));
    struct statx root;
    TSRUNC_TRY(Identify(context, context.root.get(), &root));
    target->is_root = IsSame(target->found, root);
  }
  return target->is_root ? MakeRootPrivate(context) : Ok();
}

// A descriptor of what mount(2) has put on `target`.
Outcome OpenMounted(Context& context, const Target& target, UniqueFd* out) {
  bool is_directory = (target.found.stx_mode & S_IFMT) == S_IFDIR;
  if (is_directory && Take(OpenTop(target.fd.get()), out).ok()) return Ok();
  if (target.is_root) return Take(sys::OpenAt(AT_FDCWD, context.root_path, O_PATH | O_DIRECTORY | O_CLOEXEC), out);
  return Take(OpenInRoot(context.root.get(), target.path), out);
}

// The last steps of every mount; `mount` stands for it.
Outcome Finish(Context& context, const Target& target, UniqueFd&& mount, const plan::Numbers& propagation) {
  TSRUNC_TRY(Propagate(context, mount.get(), propagation));
  if (target.is_root) context.root = static_cast<UniqueFd&&>(mount);
  return Ok();
}

// Opens the place for the bind of `tree`: a file for a file, a directory for a directory.
Outcome OpenBindTarget(Context& context, int tree, Target* target) {
  struct statx source;
  TSRUNC_TRY(sys::Statx(tree, "", AT_EMPTY_PATH, STATX_TYPE, &source));
  Kind kind = (source.stx_mode & S_IFMT) == S_IFDIR ? Kind::kDirectory : Kind::kFile;
  return OpenMountTarget(context, kind, Links::kFollowInRoot, target);
}

// The flags that were to be cleared and are locked (mount_namespaces(7)), in words.
template <class BindOp>
void NameLocked(Context& context, const BindOp& op, uint64_t now) {
  uint64_t locked = now & op.clear & ~op.set;
  const char* separator = ", whose ";
  context.detail.Add(op.source);
  for (const AttrName& attr : kAttrNames) {
    if ((locked & Word(attr.attr)) == 0) continue;
    context.detail.Add(separator).Add(attr.name);
    separator = ",";
  }
  bool is_atime = (op.clear & Word(MountAttrs::kAtimeMask)) != 0;
  if (is_atime) context.detail.Add(separator).Add("access time");
  if (is_atime || *separator == ',') context.detail.Add(" is locked");
}

using Change = Outcome (*)(Context&, int, Attributes);
Outcome ChangeDetached(Context&, int fd, Attributes attributes) { return SetAttributes(fd, attributes, false); }

// What options name is done, or fails. What else the source has goes, too, except what is locked.
template <class BindOp>
Outcome SetBindAttributes(Context& context, int mount, const BindOp& op, Change change) {
  Outcome outcome = change(context, mount, {op.set, op.clear | op.drop});
  if (outcome.err() == EPERM) {
    uint64_t now;
    TSRUNC_TRY(ReadAttributes(mount, &now));
    outcome = change(context, mount, {op.set, op.clear});
    if (!outcome.ok()) NameLocked(context, op, now);
    for (const AttrName& attr : kAttrNames)
      if (outcome.ok() && (op.drop & now & Word(attr.attr)) != 0) (void)change(context, mount, {0, Word(attr.attr)});
  }
  if (!outcome.ok()) return outcome;
  return SetAttributes(mount, {op.recursiveSet, op.recursiveClear}, true);
}

Outcome BindOld(Context& context, const plan::bindMount_op& op, int source, const Target& target) {
  if (op.recursiveSet != 0 || op.recursiveClear != 0) return sys::Fail(ENOSYS, sys::Call::k_mount_setattr);
  auto flags = static_cast<MsFlags>(op.msFlags);
  MsFlags bind = MsFlags::kBind | (Has(flags, MsFlags::kRec) ? MsFlags::kRec : MsFlags::kNone);
  TSRUNC_TRY(MountOnFd(context, nullptr, source, target.fd.get(), nullptr, bind, nullptr));
  UniqueFd mounted;
  TSRUNC_TRY(OpenMounted(context, target, &mounted));
  struct statx from, now;
  TSRUNC_TRY(sys::Statx(source, "", AT_EMPTY_PATH, STATX_INO, &from));
  TSRUNC_TRY(sys::Statx(mounted.get(), "", AT_EMPTY_PATH, STATX_INO, &now));
  if (from.stx_ino != now.stx_ino || from.stx_dev_minor != now.stx_dev_minor || from.stx_dev_major != now.stx_dev_major)
    return sys::Fail(ELOOP, sys::Call::k_mount);  // somebody swapped the target while we mounted
  bool changes = op.set != 0 || op.clear != 0 || op.drop != 0;
  if (changes) TSRUNC_TRY(SetBindAttributes(context, mounted.get(), op, ChangeByRemount));
  return Finish(context, target, static_cast<UniqueFd&&>(mounted), op.propagation);
}

// A new filesystem for `target`, and an option that the configuration does not have.
struct Fresh {
  const plan::mountFs_op& op;
  const Target& target;
  const char* extra;
  bool needs_descriptor() const { return op.propagation.count != 0 || op.isKept != 0 || target.is_root; }
};

Outcome CopyUpFrom(const Target& target, int mount) {
  Outcome from = sys::OpenAt(target.fd.get(), ".", kReadDirectory), to = sys::OpenAt(mount, ".", kReadDirectory);
  UniqueFd from_fd(from.value), to_fd(to.value);
  if (!from.ok()) return from;
  return to.ok() ? CopyUp(from_fd.get(), to_fd.get()) : to;
}

// By mount(2), which takes a third of the calls; `mount` is given only where somebody needs it.
Outcome MountByCall(Context& context, const Fresh& fresh, UniqueFd* mount) {
  const plan::mountFs_op& op = fresh.op;
  sys::Text<kPathMax> data = Join(op.data, fresh.extra);
  if (data.overflowed()) return sys::Fail(ENAMETOOLONG, sys::Call::k_mount);
  // mount(2) makes the filesystem read-only along with the mount: not what `rro` says, and too early for copying up.
  uint64_t now = op.attributes & ~Word(MountAttrs::kRdonly);
  uint64_t super = op.msFlags & kOfSuperblock;
  if (op.copyUp != 0) super &= ~Word(MsFlags::kRdonly);
  bool is_late = now != op.attributes && !Has(static_cast<MsFlags>(super), MsFlags::kRdonly);
  MsFlags flags = static_cast<MsFlags>(super) | ToMsFlags(now);
  TSRUNC_TRY(MountOnFd(context, op.source, -1, fresh.target.fd.get(), op.type, flags, data.c_str()));
  if (op.copyUp == 0 && !is_late && !fresh.needs_descriptor()) return Ok();
  TSRUNC_TRY(OpenMounted(context, fresh.target, mount));
  if (op.copyUp != 0) TSRUNC_TRY(CopyUpFrom(fresh.target, mount->get()));
  return is_late ? ChangeAttributes(context, mount->get(), {Word(MountAttrs::kRdonly), 0}) : Ok();
}

// By the mount API: for what mount(2) cannot say, and for the kernel's words after mount(2) has failed.
Outcome MountByApi(Context& context, const Fresh& fresh, UniqueFd* mount) {
  const plan::mountFs_op& op = fresh.op;
  // What is copied up must be written first: read-only comes after.
  uint64_t later = op.copyUp != 0 ? op.attributes & Word(MountAttrs::kRdonly) : 0;
  uint64_t super = op.copyUp != 0 ? op.msFlags & ~Word(MsFlags::kRdonly) : op.msFlags;
  TSRUNC_TRY(Take(NewMount(context, op.type, op.source, &op.data, fresh.extra, super, op.attributes & ~later), mount));
  if (op.copyUp != 0) {
    TSRUNC_TRY(CopyUpFrom(fresh.target, mount->get()));
    TSRUNC_TRY(SetAttributes(mount->get(), {later, 0}, false));
  }
  return Attach(mount->get(), fresh.target.fd.get());
}

Outcome MountFresh(Context& context, const Fresh& fresh, UniqueFd* mount) {
  // mount(2) cannot name a pid namespace, and nothing is seen before it is copied up.
  bool needs_api = fresh.op.copyUp != 0 || (context.pid_namespace.valid() && sys::Equal(fresh.op.type, "proc"));
  Outcome outcome = needs_api ? MountByApi(context, fresh, mount) : MountByCall(context, fresh, mount);
  if (outcome.ok()) return outcome;
  if (needs_api) return outcome.err() == ENOSYS ? MountByCall(context, fresh, mount) : outcome;
  Outcome told = MountByApi(context, fresh, mount);
  return told.ok() || told.err() == outcome.err() ? told : outcome;
}

}  // namespace

Outcome Execute(Context& context, const plan::mountFs_op& op) {
  // Over a symbolic link a /proc or /sys would land where the image wants it (CVE-2019-19921 and its successors).
  Links links = op.isStrict != 0 ? Links::kRefuse : Links::kFollowInRoot;
  Target target{op.target};
  TSRUNC_TRY(OpenMountTarget(context, Kind::kDirectory, links, &target));

  // A tmpfs over a directory of the image keeps that directory's mode, unless the configuration names one.
  sys::Text<16> mode;
  if (target.existed && sys::Equal(op.type, "tmpfs") && !Names(op.data, "mode=")) {
    mode.Add("mode=");
    for (int shift = 9; shift >= 0; shift -= 3) mode.AddNumber((target.found.stx_mode >> shift) & 7);
  }
  Fresh fresh{op, target, mode.size() == 0 ? nullptr : mode.c_str()};
  UniqueFd mount;
  TSRUNC_TRY(MountFresh(context, fresh, &mount));
  if (!fresh.needs_descriptor()) return Ok();
  if (op.isKept == 0) return Finish(context, target, static_cast<UniqueFd&&>(mount), op.propagation);
  TSRUNC_TRY(Propagate(context, mount.get(), op.propagation));
  Keep(context, op.target, static_cast<UniqueFd&&>(mount));
  return Ok();
}

Outcome Execute(Context& context, const plan::bindMount_op& op) {
  bool recursive = Has(static_cast<MsFlags>(op.msFlags), MsFlags::kRec);
  Source source{op.source};
  TSRUNC_TRY(FindSource(context, &source));
  UniqueFd tree;
  Outcome cloned = Take(CloneSource(source, recursive), &tree);
  if (!cloned.ok() && cloned.err() != ENOSYS) {
    context.detail.Add(op.source);
    return cloned;
  }
  if (cloned.ok()) cloned = SetBindAttributes(context, tree.get(), op, ChangeDetached);
  bool is_old = cloned.err() == ENOSYS;
  if (is_old) cloned = OpenSource(&source);
  if (!cloned.ok()) {
    if (context.detail.size() == 0) context.detail.Add(op.source);
    return cloned;
  }
  Target target{op.target};
  TSRUNC_TRY(OpenBindTarget(context, is_old ? source.fd.get() : tree.get(), &target));
  if (is_old) return BindOld(context, op, source.fd.get(), target);
  TSRUNC_TRY(Attach(tree.get(), target.fd.get()));
  return Finish(context, target, static_cast<UniqueFd&&>(tree), op.propagation);
}

Outcome Execute(Context& context, const plan::attachMount_op& op) {
  UniqueFd tree(context.Slot(op.slot));
  Target target{op.target};
  TSRUNC_TRY(SetBindAttributes(context, tree.get(), op, ChangeDetached));
  TSRUNC_TRY(OpenBindTarget(context, tree.get(), &target));
  TSRUNC_TRY(Attach(tree.get(), target.fd.get()));
  return Finish(context, target, static_cast<UniqueFd&&>(tree), op.propagation);
}

Outcome Execute(Context& context, const plan::detachMount_op& op) {
  UniqueFd mounted;
  TSRUNC_TRY(Take(OpenInRoot(context.root.get(), op.target), &mounted));
  return DetachFd(context, mounted.get());
}

Outcome Execute(Context& context, const plan::bindCgroup_op& op) {
  return Execute(context, plan::bindMount_op{op.source, op.target, op.msFlags, op.set, op.clear, op.drop,
                                             op.recursiveSet, op.recursiveClear, op.propagation});
}

Outcome Execute(Context& context, const plan::remount_op& op) {
  UniqueFd mounted;
  TSRUNC_TRY(Take(OpenInRoot(context.root.get(), op.target), &mounted));
  TSRUNC_TRY(MountOnFd(context, "", -1, mounted.get(), "", static_cast<MsFlags>(op.msFlags), op.data));
  return SetPropagationOld(context, mounted.get(), op.propagation);
}

Outcome Execute(Context& context, const plan::setMountAttributes_op& op) {
  UniqueFd mounted;
  TSRUNC_TRY(FindKept(context, op.target, &mounted));
  return ChangeAttributes(context, mounted.get(), {op.set, op.clear});
}

}  // namespace tsrunc::init
