// Owns the lifetime of a file descriptor. Knows only close(2).
#pragma once

#include "raw.h"

namespace tsrunc::sys {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(long fd) : fd_(static_cast<int>(fd)) {}
  UniqueFd(UniqueFd&& other) : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1) {
    if (fd_ >= 0) (void)Raw(__NR_close, fd_);  // close(2) has freed the number whatever it returns
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace tsrunc::sys
