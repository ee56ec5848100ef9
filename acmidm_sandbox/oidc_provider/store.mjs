// What outlives the process, in one file: the models that are named as lasting, such as registered clients, and the keys
// that tokens are signed with. The rest is kept in memory. oidc-provider's own adapter keeps 1,000 entries, and none of them on disk.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export class Store {
  constructor(file, lasting) {
    this.file = file;
    this.lasting = lasting;
    this.kept = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    for (const model of lasting) this.kept[model] ??= {};
    this.passing = new Map();
  }

  save() {
    writeFileSync(`${this.file}.new`, JSON.stringify(this.kept), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }

  adapter(model) {
    return this.lasting.includes(model) ? new Lasting(this, model) : new Passing(this.passing, model);
  }
}

class Lasting {
  constructor(store, model) {
    this.store = store;
    this.model = model;
  }

  async find(id) {
    return this.store.kept[this.model][id];
  }

  async upsert(id, payload) {
    this.store.kept[this.model][id] = payload;
    this.store.save();
  }

  async destroy(id) {
    delete this.store.kept[this.model][id];
    this.store.save();
  }
}

class Passing {
  constructor(entries, model) {
    this.entries = entries;
    this.model = model;
  }

  async find(id) {
    const found = this.entries.get(`${this.model} ${id}`);
    return found && found.ends > Date.now() ? found.payload : undefined;
  }

  async upsert(id, payload, seconds = 3600) {
    for (const [key, one] of this.entries) {
      if (one.ends > Date.now()) break;
      this.entries.delete(key);
    }
    this.entries.set(`${this.model} ${id}`, { payload, ends: Date.now() + seconds * 1000 });
  }

  async destroy(id) {
    this.entries.delete(`${this.model} ${id}`);
  }

  async consume(id) {
    (await this.find(id)).consumed = Math.floor(Date.now() / 1000);
  }
}
