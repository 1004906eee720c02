export * from "./atomic.ts";
export { FolderInUseError, holdFolder } from "./lock.ts";
