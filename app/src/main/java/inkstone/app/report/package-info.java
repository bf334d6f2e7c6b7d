/** Pictures that show measurements: heat maps and contact sheets, with letters of their own. */
package inkstone.app.report;
