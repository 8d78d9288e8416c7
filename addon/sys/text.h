// Owns the few operations on zero-terminated text that the helper needs; no allocation, no locale.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tsrunc::sys {

inline size_t Length(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

inline bool Equal(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

inline bool StartsWith(const char* text, const char* prefix) {
  while (*prefix != '\0')
    if (*text++ != *prefix++) return false;
  return true;
}

inline const char* LastSlash(const char* path) {
  const char* last = nullptr;
  for (; *path != '\0'; path++)
    if (*path == '/') last = path;
  return last;
}

// Text put together in a fixed buffer. What does not fit is dropped and remembered: check overflowed().
template <size_t N>
class Text {
 public:
  Text& Add(const char* text) { return Add(text, Length(text)); }
  Text& Add(const char* text, size_t length) {
    for (size_t i = 0; i < length; i++) Put(text[i]);
    return *this;
  }
  Text& AddNumber(uint64_t number) {
    char digits[20];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0) Put(digits[--count]);
    return *this;
  }
  const char* c_str() const { return data_; }
  size_t size() const { return size_; }
  bool overflowed() const { return overflowed_; }

 private:
  void Put(char c) {
    if (size_ + 1 >= N) {
      overflowed_ = true;
      return;
    }
    data_[size_++] = c;
    data_[size_] = '\0';
  }
  char data_[N] = {};
  size_t size_ = 0;
  bool overflowed_ = false;
};

}  // namespace tsrunc::sys
