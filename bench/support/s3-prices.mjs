/** List prices of S3 Standard in us-east-1 and us-west-2, US dollars a request, as of 2025; transfer inside a region is free. */
export const prices = { PUT: 0.005 / 1000, LIST: 0.005 / 1000, GET: 0.0004 / 1000, DELETE: 0 };
