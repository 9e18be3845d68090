/** A set of which most have one member or none: only more than one cost a table of their own. */
export class Few<Member> {
  #one: Member | undefined;
  #more: Set<Member> | undefined;

  get size(): number {
    return this.#more?.size ?? (this.#one === undefined ? 0 : 1);
  }

  add(member: Member): void {
    if (this.#more !== undefined) this.#more.add(member);
    else if (this.#one === undefined) this.#one = member;
    else if (this.#one !== member) {
      this.#more = new Set([this.#one, member]);
      this.#one = undefined;
    }
  }

  delete(member: Member): void {
    if (this.#more !== undefined) this.#more.delete(member);
    else if (this.#one === member) this.#one = undefined;
  }

  /** In the order of adding. Members that are deleted meanwhile are passed over, those that are added may be. */
  [Symbol.iterator](): Iterator<Member> {
    return (this.#more ?? (this.#one === undefined ? [] : [this.#one])).values();
  }
}
