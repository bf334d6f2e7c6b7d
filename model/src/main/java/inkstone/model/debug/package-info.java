/** How a forward pass can be watched and stopped. */
package inkstone.model.debug;
