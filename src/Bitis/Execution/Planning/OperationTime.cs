namespace Bitis.Execution.Planning;

/// <summary>How long one operation of a model took.</summary>
/// <param name="Node">The graph node that the operation computes; the last one, where several are fused.</param>
/// <param name="Kind">What the operation does: <c>linear int8</c>.</param>
/// <param name="Time">From its start to the end of its slowest thread.</param>
internal sealed record OperationTime(string Node, string Kind, TimeSpan Time);
