/** The JSON files of a Hugging Face model folder as records, with the published model's values. */
package inkstone.loader.config;
