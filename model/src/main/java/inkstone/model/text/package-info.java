/**
 * From words to what the transformer attends to: Qwen2's tokenizer, the chat text around a prompt,
 * and Qwen2.5-VL as an encoder of text and pictures. Start at {@link
 * inkstone.model.text.TextEncoder}.
 */
package inkstone.model.text;
