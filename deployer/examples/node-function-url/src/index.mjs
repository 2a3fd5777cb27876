// Greets. The event is that of a Function URL; what has no `statusCode` is the body of a response with status 200.
export async function handler(event) {
  const name = event.queryStringParameters?.name ?? "world";
  return { greeting: `Hello, ${name}` };
}
