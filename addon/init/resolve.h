// Owns the way from a path of the container to a descriptor: never outside the root, never through a magic link.
// Knows openat2(2) and the walk that stands in for it. Does not know mounts.
#pragma once

#include "context.h"

namespace tsrunc::init {

enum class Kind { kDirectory, kFile };
enum class Links { kFollowInRoot, kRefuse };

// Opens `path` below `root` with O_PATH. kRefuse fails with ELOOP on any symbolic link.
sys::Outcome OpenInRoot(int root, const char* path, Links links = Links::kFollowInRoot);

// Opens the root of the mount that lies on the directory `dir`, or `dir` itself, without its path (Linux 5.6): ".." of
// a root stays there, and takes what is mounted on it.
sys::Outcome OpenTop(int dir);

// Like OpenInRoot, and makes what is missing: directories 0755, or an empty file 0644 at the end. `existed` tells
// which.
sys::Outcome OpenTarget(int root, const char* path, Kind kind, Links links = Links::kFollowInRoot,
                        bool* existed = nullptr);

// Opens the directory that holds the last component of `path`, making it where missing, and points `name` at that
// component.
sys::Outcome OpenParent(int root, const char* path, const char** name);

}  // namespace tsrunc::init
