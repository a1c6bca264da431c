/** From written English to what is said: light enough for services that load no model. */
export {};
