/** The dashboards by chart, as written to the charts. */
export const dashboards: Readonly<Record<string, object>>;
