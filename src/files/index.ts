export * from "./atomic.ts";
export { type CachedFile, type CacheOptions, cachedFile, cacheFolder } from "./cache.ts";
export { type FetchedFile, type FetchOptions, fetchOnce } from "./fetch.ts";
export { FolderInUseError, holdFolder } from "./lock.ts";
