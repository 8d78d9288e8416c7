// Owns the entry of a program without libc: the stack as the kernel leaves it, and the few functions that the compiler
// calls by name. See docs/decisions/0002.
#include <stddef.h>
#include <stdint.h>

#include "../sys/calls.h"
#include "start.h"

extern "C" {

uintptr_t __stack_chk_guard =
    0x595e9fbd94fda766;  // replaced by the kernel's random bytes before the first guarded call

[[noreturn]] void __stack_chk_fail() {
  static const char message[] = "tsrunc: stack smashed\n";
  (void)tsrunc::sys::Write(2, message, sizeof(message) - 1);
  tsrunc::sys::Exit(134);
}

void* memcpy(void* to, const void* from, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  while (size-- > 0) *out++ = *in++;
  return to;
}
void* memmove(void* to, const void* from, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out < in) return memcpy(to, from, size);
  while (size-- > 0) out[size] = in[size];
  return to;
}
void* memset(void* to, int value, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  while (size-- > 0) *out++ = static_cast<unsigned char>(value);
  return to;
}
int memcmp(const void* a, const void* b, size_t size) {
  const auto *x = static_cast<const unsigned char*>(a), *y = static_cast<const unsigned char*>(b);
  for (; size > 0; size--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

// `stack`: argc, argv[], 0, envp[], 0, auxiliary vector (getauxval(3)).
[[noreturn]] __attribute__((optimize("no-stack-protector"))) void TsruncStart(long* stack) {
  int argc = static_cast<int>(stack[0]);
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** envp = argv + argc + 1;
  char** end = envp;
  while (*end != nullptr) end++;
  constexpr long kAtRandom = 25;
  for (const long* aux = reinterpret_cast<long*>(end + 1); aux[0] != 0; aux += 2)
    if (aux[0] == kAtRandom) __stack_chk_guard = *reinterpret_cast<uintptr_t*>(aux[1]) & ~uintptr_t{0xff};
  tsrunc::sys::Exit(tsrunc::init::Main(argc, argv, envp));
}

}  // extern "C"

#if defined(__x86_64__)
asm(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall TsruncStart\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl TsruncStart\n");
#endif
