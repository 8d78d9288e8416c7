// Owns the descriptors that go along with a plan, numbered; closed here once the helper has its own.
import type { Descriptor } from '../native/descriptor.ts';

export class Slots {
  readonly descriptors: Descriptor[] = [];

  add(descriptor: Descriptor): number {
    return this.descriptors.push(descriptor) - 1;
  }

  close(): void {
    for (const descriptor of this.descriptors) descriptor.close();
  }
}
