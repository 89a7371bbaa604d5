
namespace Bitis.Execution.Planning;

/// <summary>The blocks of a plan, each with its place in an arena.</summary>
/// <param name="Blocks">The blocks, by their index.</param>
/// <param name="Bytes">The bytes that an arena needs.</param>
internal sealed record ArenaLayout(IReadOnlyList<ArenaBlock> Blocks, long Bytes);
