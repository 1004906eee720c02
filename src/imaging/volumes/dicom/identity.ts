import { createHmac, randomBytes } from "node:crypto";

export interface IdentityOptions {
  /**
   * The secret that pseudonyms are made with. The same key gives the same pseudonyms, UIDs and shift of dates in every call, so that
   * studies, series and what is derived from them still link; without it nobody can undo or repeat them. Default: a key that is drawn
   * anew for every call and forgotten, so that only what one call reads links.
   */
  readonly key?: string | Uint8Array;
  /** Leaves the patient's identity, UIDs, dates and descriptions as they are. Default false. */
  readonly keepIdentity?: boolean;
}

/** What becomes of what identifies a patient. */
export interface Identity {
  readonly kept: boolean;
  /** Of a study, series, instance or frame of reference. Those that the standard itself defines (1.2.840.10008...) stay. */
  uid(original: string): string;
  /** For a PatientID. */
  patient(id: string): string;
  /**
   * The number of a day (DA, "YYYYMMDD"; more may follow, as in DT), undefined when it is no date. Kept: days since 1970-01-01.
   * De-identified: the same less an offset from 1 to 20000 days that depends on key and patient alone. The days between two studies of
   * one patient stay exact; the dates, weekdays and seasons do not (PS3.15, E.3.6: Retain Longitudinal Temporal Information with
   * Modified Dates).
   */
  day(date: string | undefined, patientId: string): number | undefined;
}

export const identityOf = ({ key, keepIdentity = false }: IdentityOptions): Identity =>
  keepIdentity ? keptIdentity : pseudonyms(key ?? randomBytes(32));

const keptIdentity: Identity = { kept: true, uid: (uid) => uid, patient: (id) => id, day: (date) => calendarDay(date) };

const pseudonyms = (key: string | Uint8Array): Identity => {
  const digest = (kind: string, value: string): Buffer => createHmac("sha256", key).update(`${kind}\0${value}`).digest();
  return {
    kept: false,
    uid: (original) => (original.startsWith("1.2.840.10008.") ? original : uuidUid(digest("uid", original))),
    patient: (id) => digest("patient", id).toString("hex", 0, 8).toUpperCase(),
    day: (date, patientId) => {
      const day = calendarDay(date);
      return day === undefined ? undefined : day - 1 - (digest("day", patientId).readUInt32BE(0) % 20_000);
    },
  };
};

/** A UID that follows from the names alone, for what is written: the same names give the same UID. */
export const uidFor = (key: string | Uint8Array, ...names: readonly (string | number)[]): string =>
  uuidUid(createHmac("sha256", key).update(JSON.stringify(names)).digest());

/** The first 16 bytes as a UUID of version 8 (RFC 9562), and that as a UID: 2.25. and its decimal number (PS3.5, B.2). */
const uuidUid = (digest: Buffer): string => {
  const uuid = Buffer.from(digest.subarray(0, 16));
  uuid[6] = (uuid[6] & 0x0f) | 0x80;
  uuid[8] = (uuid[8] & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${uuid.toString("hex")}`)}`;
};

const MILLISECONDS = 86_400_000;

/** Days since 1970-01-01 of a DA or DT; undefined when it is no date. */
const calendarDay = (date: string | undefined): number | undefined => {
  const parts = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})/.exec(date ?? "");
  if (parts === null) return undefined;
  const [year, month, day] = parts.slice(1).map(Number);
  const time = new Date(0).setUTCFullYear(year, month - 1, day);
  return new Date(time).getUTCMonth() === month - 1 && year > 1800 ? time / MILLISECONDS : undefined;
};

/** The DA of a day's number; empty when there is none. */
export const dateOfDay = (day: number | undefined): string =>
  day === undefined ? "" : new Date(day * MILLISECONDS).toISOString().slice(0, 10).replaceAll("-", "");
