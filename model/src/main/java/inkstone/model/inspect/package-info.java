/**
 * What files hold, from their headers alone: which network, in which types, for which config, what
 * of it is missing.
 */
package inkstone.model.inspect;
