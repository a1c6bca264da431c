/** Accounts that every server has. A publisher that has a name is an account of that name. */

/** Of the services, and of everything that is stored. */
export const SPEECH = "SPEECH";
export const MONITOR = "MONITOR";
/** Of all publishers without a name. */
export const PUBLISHER = "PUBLISHER";
