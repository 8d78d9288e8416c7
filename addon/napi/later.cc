// Calls in threads of their own; see later.h.
#include "later.h"

#include <pthread.h>
#include <signal.h>

#include <thread>

namespace tsrunc::napi {
namespace {

struct Task {
  Napi::Promise::Deferred deferred;
  std::function<void()> work;
  std::function<Napi::Value(Napi::Env)> finish;
  Napi::ThreadSafeFunction done;
};

void Settle(Napi::Env env, Napi::Function, Task* task) {
  try {
    task->deferred.Resolve(task->finish(env));
  } catch (const Napi::Error& error) {
    task->deferred.Reject(error.Value());
  }
  task->done.Release();
  delete task;
}

}  // namespace

Napi::Value Later(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish) {
  auto* task = new Task{Napi::Promise::Deferred::New(env), std::move(work), std::move(finish), {}};
  Napi::Value promise = task->deferred.Promise();
  task->done = Napi::ThreadSafeFunction::New(env, Napi::Function(), "tsrunc:later", 0, 1);
  // Signals are for Node's own thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([task] {
    task->work();
    task->done.BlockingCall(task, Settle);
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return promise;
}

Napi::Value Resolved(Napi::Env env, Napi::Value value) {
  auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Resolve(value);
  return deferred.Promise();
}

}  // namespace tsrunc::napi
