// Owns the cgroup of one container as a scope of systemd's, on cgroup v2: systemd makes the directory and moves init in; the
// files are ours as with fs2, which does all the rest. org.freedesktop.systemd1(5), systemd.scope(5).
import { errorCode, FileError, whileFailing } from '../errors.ts';
import { native } from '../native/binding.ts';
import type { Resources } from '../oci/types.ts';
import type { CgroupPlace, SystemdUnit } from '../plan/facts.ts';
import { requireV2 } from './convertible.ts';
import { FsCgroup2 } from './fs2.ts';
import type { CgroupManager, Ended } from './manager.ts';
import type { IsOurs } from './processes.ts';
import type { Left } from './remove.ts';
import type { CgroupStats } from './stats.ts';
import { planAnnotatedProperties, planLimitProperties, planUnitProperties } from './systemd-properties.ts';

/** What the unit is told of the container when it starts. */
export interface UnitContent {
  readonly id: string;
  readonly resources: Resources | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** To whom the cgroup is given. */
  readonly owner: number | undefined;
}

const UNIT_EXISTS = 'org.freedesktop.systemd1.UnitExists';
const NO_SUCH_UNIT = 'org.freedesktop.systemd1.NoSuchUnit';

export class SystemdCgroup implements CgroupManager {
  readonly #unit: SystemdUnit;
  readonly #files: FsCgroup2;
  /** Whether systemd may have made the scope for us. */
  #isStarted = false;
  readonly found: readonly string[] = [];

  constructor(place: CgroupPlace, unit: SystemdUnit) {
    this.#unit = unit;
    this.#files = new FsCgroup2(place);
  }

  /** A scope begins with its first process: start() makes it. */
  create(): void {
    this.#files.refuseOccupied();
  }

  /** Starts the scope with init in it. */
  async start(pid: number, content: UnitContent): Promise<void> {
    const { name, slice, isUser } = this.#unit;
    requireV2(content.resources ?? {});
    const properties = [
      ...planUnitProperties(content.id, slice, pid),
      ...planLimitProperties(content.resources),
      ...planAnnotatedProperties(content.annotations),
    ];
    try {
      await native().startUnit(isUser, name, properties);
      this.#isStarted = true;
    } catch (error) {
      this.#isStarted = errorCode(error) !== UNIT_EXISTS;
      throw refusal('ask systemd for a scope', error);
    }
    this.#files.apply(content.resources);
    if (content.owner !== undefined) this.#files.delegate(content.owner);
  }

  /** The limits are start()'s, and so is the owner. */
  apply(): void {}

  delegate(): void {}

  async update(resources: Resources): Promise<void> {
    await this.#files.update(resources);
    try {
      await native().setUnitProperties(this.#unit.isUser, this.#unit.name, planLimitProperties(resources));
    } catch (error) {
      throw await whileFailing(refusal('tell systemd of the limits', error), () => this.restore());
    }
  }

  restore(): void {
    this.#files.restore();
  }

  stats(): CgroupStats {
    return this.#files.stats();
  }

  oomKills(): number {
    return this.#files.oomKills();
  }

  async freeze(): Promise<void> {
    await this.#files.freeze();
  }

  thaw(): void {
    this.#files.thaw();
  }

  isFrozen(): boolean {
    return this.#files.isFrozen();
  }

  processes(): number[] {
    return this.#files.processes();
  }

  ownProcesses(): number[] {
    return this.#files.ownProcesses();
  }

  directories(): undefined {}

  async undo(isOurs: IsOurs): Promise<Left[]> {
    return this.#isStarted ? this.remove({ isOurs, found: [] }) : [];
  }

  /** The scope is ended only when nobody is left in it: systemd would kill all of them. */
  async remove(ended: Ended): Promise<Left[]> {
    const left = await this.#files.remove(ended);
    if (left.length > 0) return left;
    try {
      await native().stopUnit(this.#unit.isUser, this.#unit.name);
    } catch (error) {
      // A scope goes with its last process.
      if (errorCode(error) !== NO_SUCH_UNIT) throw refusal('end the scope of the container', error);
    }
    return [];
  }
}

/** What systemd said, and its name for it; or why it could not be asked. */
function refusal(doing: string, error: unknown): FileError {
  const code = errorCode(error) ?? '';
  const words = error instanceof Error ? error.message : String(error);
  return new FileError(`${doing}: ${words}${code.includes('.') ? ` (${code})` : ''}`, hintFor(code));
}

function hintFor(code: string): { hint?: string } {
  if (code === 'org.freedesktop.DBus.Error.PropertyReadOnly')
    return {
      hint: 'systemd does not know the property, or not for a scope: systemd.scope(5), systemd.resource-control(5)',
    };
  if (code === UNIT_EXISTS)
    return {
      hint: 'a unit of that name is there: systemctl status shows it; systemctl reset-failed forgets one that has failed',
    };
  return {};
}
