/** Keys by which the hub proves itself to others. What a name stands for stays the same for the life of the hub. */
export interface HubKeys {
  /**
   * The kept text of this name; when there is none, what `make` gives, kept before it answers.
   * @param name letters a-z, digits and hyphens
   * @throws MeshError storage_full, unavailable
   */
  keep(name: string, make: () => Promise<string>): Promise<string>;
}
