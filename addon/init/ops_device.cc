// The operations below /dev and their like: devices, links, directories. All by descriptor of the directory that holds
// them.
#include "execute.h"
#include "mounts.h"
#include "resolve.h"
#include "sources.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {
Outcome OpenHolder(Context& context, const char* path, UniqueFd* parent, const char** name) {
  Outcome opened = OpenParent(context.root.get(), path, name);
  if (opened.ok()) parent->reset(static_cast<int>(opened.value));
  return opened;
}

// makedev(3): how the kernel packs a device number for mknod(2).
uint64_t PackDevice(uint64_t major, uint64_t minor) {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~uint64_t{0xff}) << 12);
}

// Puts a node of the host on `path`. A number that is asked for must be the node's.
Outcome BindNode(Context& context, Source* source, const char* path) {
  Outcome cloned = CloneSource(*source, false);
  bool is_old = cloned.err() == ENOSYS;
  UniqueFd device(cloned.value);
  if (is_old) cloned = OpenSource(source);
  if (!cloned.ok()) {
    context.detail.Add(source->path);
    return cloned;
  }
  Outcome opened = OpenTarget(context.root.get(), path, Kind::kFile);
  if (!opened.ok()) return opened;
  UniqueFd target(opened.value);
  if (is_old) return MountOnFd(context, nullptr, source->fd.get(), target.get(), nullptr, MsFlags::kBind, nullptr);
  return Attach(device.get(), target.get());
}

bool IsDevice(const struct statx& found, const plan::makeDevice_op& op) {
  // A fifo has no number, whatever the configuration says of it.
  return (found.stx_mode & S_IFMT) == (op.mode & S_IFMT) &&
         ((op.mode & S_IFMT) == S_IFIFO || (found.stx_rdev_major == op.major && found.stx_rdev_minor == op.minor));
}

// Where nodes may not be made: the host's of that name serves, if it is the same device.
Outcome BindSame(Context& context, const plan::makeDevice_op& op, const Outcome& refused) {
  Source source{op.path};
  struct statx found;
  bool is_same = OpenSource(&source).ok() && sys::Statx(source.fd.get(), "", AT_EMPTY_PATH, STATX_TYPE, &found).ok() &&
                 IsDevice(found, op);
  return is_same ? BindNode(context, &source, op.path) : refused;
}
}  // namespace

Outcome Execute(Context& context, const plan::makeDevice_op& op) {
  UniqueFd parent;
  const char* name;
  TSRUNC_TRY(OpenHolder(context, op.path, &parent, &name));
  Outcome made = sys::MknodAt(parent.get(), name, static_cast<unsigned>(op.mode), PackDevice(op.major, op.minor));
  if (made.err() == EPERM) return BindSame(context, op, made);
  if (!made.ok() && made.err() != EEXIST) return made;
  // What stands there now is asked, and owned, by one descriptor: by name it could be a link by the second question.
  // The mode needs no chmod, which would follow links: our umask is 0, and a node that was there before keeps its own.
  Outcome opened = sys::OpenAt(parent.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (!opened.ok()) return opened;
  UniqueFd node(opened.value);
  struct statx found;
  TSRUNC_TRY(sys::Statx(node.get(), "", AT_EMPTY_PATH, STATX_TYPE, &found));
  if (!IsDevice(found, op)) {
    context.detail.Add("a different file is already there");
    return Fail(EEXIST, sys::Call::k_mknodat);
  }
  return sys::FchownAt(node.get(), "", static_cast<unsigned>(op.uid), static_cast<unsigned>(op.gid), AT_EMPTY_PATH);
}

Outcome Execute(Context& context, const plan::bindDevice_op& op) {
  Source source{op.source};
  TSRUNC_TRY(FindSource(context, &source));
  return BindNode(context, &source, op.path);
}

Outcome Execute(Context& context, const plan::makeSymlink_op& op) {
  UniqueFd parent;
  const char* name;
  TSRUNC_TRY(OpenHolder(context, op.path, &parent, &name));
  Outcome made = sys::SymlinkAt(op.target, parent.get(), name);
  if (made.err() != EEXIST) return made;
  char target[kPathMax];
  Outcome read = sys::ReadlinkAt(parent.get(), name, target, sizeof(target) - 1);
  if (read.ok()) {
    target[read.value] = '\0';
    if (sys::Equal(target, op.target)) return Ok();
  }
  if (op.replace == 0) return Ok();  // what the image has there is left to it
  TSRUNC_TRY(sys::UnlinkAt(parent.get(), name, 0));
  return sys::SymlinkAt(op.target, parent.get(), name);
}

Outcome Execute(Context& context, const plan::makeDirectory_op& op) {
  Outcome opened = OpenTarget(context.root.get(), op.path, Kind::kDirectory);
  if (opened.ok()) UniqueFd closed(opened.value);
  return opened;
}

}  // namespace tsrunc::init
