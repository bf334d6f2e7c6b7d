/**
 * LoRA and its kin: reads their files in every spelling, finds the transformer's layers that they
 * are for, and adds their products beside the layers' own at run time, whatever the weights are
 * stored as. It knows the layers' names and sizes, not the transformer.
 */
package inkstone.model.lora;
