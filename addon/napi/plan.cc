// decodePlan: reads a plan with the helper's own reader and gives it back as plain objects, for `tsrunc plan` to check
// itself and for the round-trip test. Knows the table of operations, not their meaning.
#include <cstring>
#include <vector>

#include "../plan/ops.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

struct Field {
  char kind;
  const char* name;
};

class Object {
 public:
  Object(Napi::Env env, plan::FieldReader reader) : env_(env), reader_(reader), object_(Napi::Object::New(env)) {}
  bool Add(char kind, const char* name);
  bool AtEnd() const { return reader_.AtEnd(); }
  Napi::Object object() const { return object_; }

 private:
  Napi::Env env_;
  plan::FieldReader reader_;
  Napi::Object object_;
};

bool Object::Add(char kind, const char* name) {
  switch (kind) {
    case 'U': {
      uint64_t number;
      if (!reader_.Number(&number)) return false;
      object_.Set(name, Napi::BigInt::New(env_, number));
      return true;
    }
    case 'S': {
      const char* text;
      if (!reader_.String(&text)) return false;
      object_.Set(name, Napi::String::New(env_, text));
      return true;
    }
    case 'L': {
      plan::Strings list;
      if (!reader_.List(&list)) return false;
      auto array = Napi::Array::New(env_, list.count);
      for (uint32_t i = 0; i < list.count; i++) array.Set(i, Napi::String::New(env_, list[i]));
      object_.Set(name, array);
      return true;
    }
    case 'N': {
      plan::Numbers list;
      if (!reader_.List(&list)) return false;
      auto array = Napi::Array::New(env_, list.count);
      for (uint32_t i = 0; i < list.count; i++) array.Set(i, Napi::BigInt::New(env_, list.data[i]));
      object_.Set(name, array);
      return true;
    }
    default: {
      plan::Bytes bytes;
      if (!reader_.Blob(&bytes)) return false;
      object_.Set(name, Napi::Buffer<uint8_t>::Copy(env_, bytes.data, bytes.size));
      return true;
    }
  }
}

bool Describe(uint16_t kind, Object* out, const char** name) {
  switch (kind) {
#define U(field) {'U', #field},
#define S(field) {'S', #field},
#define L(field) {'L', #field},
#define N(field) {'N', #field},
#define B(field) {'B', #field},
#define OP(code, op, fields)                                       \
  case code: {                                                     \
    *name = #op;                                                   \
    const Field table[] = {fields{'\0', ""}};                      \
    for (const Field* field = table; field->kind != '\0'; field++) \
      if (!out->Add(field->kind, field->name)) return false;       \
    return out->AtEnd();                                           \
  }
#include "../plan/ops.def"
#undef OP
#undef U
#undef S
#undef L
#undef N
#undef B
  }
  return false;
}

}  // namespace

Napi::Value DecodePlan(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = info[0].As<Napi::Uint8Array>();
  std::vector<uint64_t> aligned((bytes.ByteLength() + 7) / 8);
  memcpy(aligned.data(), bytes.Data(), bytes.ByteLength());
  plan::Reader reader;
  bool ok = reader.Open(aligned.data(), bytes.ByteLength());
  auto ops = Napi::Array::New(env);
  plan::Record record;
  plan::FieldReader fields(nullptr, 0, nullptr, 0);
  while (ok && reader.Next(&record, &fields)) {
    Object object(env, fields);
    const char* name = "";
    ok = Describe(record.kind, &object, &name);
    object.object().Set("kind", Napi::String::New(env, name));
    object.object().Set("stage", Napi::Number::New(env, record.stage));
    ops.Set(reader.index(), object.object());
  }
  if (!ok || !reader.ok()) throw SystemError(env, sys::Fail(EBADMSG));
  return ops;
}

}  // namespace tsrunc::napi
