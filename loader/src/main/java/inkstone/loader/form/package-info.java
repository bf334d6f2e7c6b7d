/** The same weights in the spellings of other programs: prefixes, names, scales beside weights. */
package inkstone.loader.form;
