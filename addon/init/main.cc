// tsrunc-init: executes a plan in the namespaces of a container. Started by the planner with
//   argv[1]  the first descriptor that is ours, in decimal: N = sync socket, N+1 = plan
//   argv[2]  "init" where this process is init already; otherwise it is the parent that gives birth to it
// Descriptors below N belong to the container. Decides nothing, allocates nothing, knows no OCI.
#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#include "context.h"
#include "descriptors.h"
#include "proc.h"
#include "start.h"

namespace tsrunc::init {
namespace {

constexpr int kSignals = 64;

bool ParseNumber(const char* text, int* out) {
  int number = 0;
  if (*text == '\0') return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || number > 1 << 20) return false;
    number = number * 10 + (*text - '0');
  }
  *out = number;
  return true;
}

// Node ignores SIGPIPE and its callers may ignore more; a container starts with every disposition at its default.
void ResetSignals() {
  struct {
    const void* handler;
    unsigned long flags;
    const void* restorer;
    uint64_t mask;
  } action = {};
  for (int signal = 1; signal <= kSignals; signal++)
    (void)sys::Raw(__NR_rt_sigaction, signal, sys::Arg(&action), 0, 8);  // SIGKILL and SIGSTOP refuse; they need none
  uint64_t none = 0;
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&none), 0, 8);
}

sys::Outcome OpenPlan(Context& context) {
  struct statx found;
  int fd = context.first_fd + 1;
  TSRUNC_TRY(sys::Statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &found));
  long address = sys::Raw(__NR_mmap, 0, static_cast<long>(found.stx_size), PROT_READ, MAP_PRIVATE, fd, 0);
  if (address < 0 && address > -4096) return sys::Fail(static_cast<int>(-address));
  bool is_plan = context.reader.Open(reinterpret_cast<const void*>(address), found.stx_size);
  return is_plan ? sys::Ok() : sys::Fail(EBADMSG);
}

// Every record is decoded once before the first is executed: a broken plan must not be half done.
sys::Outcome CheckPlan(Context& context) {
  plan::Record record;
  plan::FieldReader fields(nullptr, 0, nullptr, 0);
  while (context.reader.Next(&record, &fields)) {
    context.op = context.reader.index();
    bool is_known = false;
    switch (record.kind) {
#define OP(code, name, list)              \
  case code: {                            \
    plan::name##_op op;                   \
    is_known = plan::Decode(fields, &op); \
    break;                                \
  }
#include "../plan/ops.def"
#undef OP
    }
    if (!is_known) return sys::Fail(EBADMSG);
  }
  return context.reader.ok() ? sys::Ok() : sys::Fail(EBADMSG);
}

}  // namespace

int Main(int argc, char** argv, char** envp) {
  Context context;
  context.environment = envp;
  const bool is_init = argc == 3 && sys::Equal(argv[2], "init");
  if ((argc != 2 && !is_init) || !ParseNumber(argv[1], &context.first_fd)) {
    static const char usage[] = "tsrunc-init: started by tsrunc with a plan; not for use by hand\n";
    (void)sys::Write(2, usage, sizeof(usage) - 1);
    return 2;
  }
  context.sync = context.first_fd;
  (void)sys::Prctl(PR_SET_NAME, reinterpret_cast<unsigned long>(is_init ? "tsrunc:[init]" : "tsrunc:[parent]"));
  // A planner that is killed takes us along even where we wait for the image; cleared at the start.
  if (is_init) (void)sys::Prctl(PR_SET_PDEATHSIG, 9 /* SIGKILL */);
  ResetSignals();
  // Before any namespace is entered (CVE-2016-9962). Unprivileged, the id maps could then not be written; becomeRoot
  // does it.
  if (sys::Raw(__NR_geteuid) == 0) (void)sys::Prctl(PR_SET_DUMPABLE, 0);
  sys::Outcome proc = OpenHostProc(context);
  if (!proc.ok()) Die(context, proc);
  sys::Outcome closed = CloseFrom(context.proc.get(), context.first_fd, Closing::kOnExec);
  if (!closed.ok()) Die(context, closed);
  (void)sys::Umask(0);
  sys::Outcome opened = OpenPlan(context);
  if (!opened.ok()) Die(context, opened);
  sys::Outcome checked = CheckPlan(context);
  if (!checked.ok()) Die(context, checked);
  if (is_init) context.stage = plan::Stage::kInit;
  RunStage(context);
  if (is_init) Die(context, sys::Fail(EBADMSG));  // a plan ends with exec or finish, which do not come back
  return 0;
}

}  // namespace tsrunc::init
