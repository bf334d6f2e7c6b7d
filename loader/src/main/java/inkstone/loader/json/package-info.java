/** Strict and bounded JSON: every document is hostile until read. */
package inkstone.loader.json;
