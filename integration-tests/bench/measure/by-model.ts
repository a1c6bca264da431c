/** What a page says of each model, in the order in which they were measured. */
export function byModel<Cell extends { model: string }>(
  cells: readonly Cell[],
  section: (model: string, cells: readonly Cell[]) => string,
): string {
  const models = [...new Set(cells.map(({ model }) => model))];
  const sections = models.map((model) =>
    section(
      model,
      cells.filter((cell) => cell.model === model),
    ),
  );
  return sections.join("\n\n");
}
