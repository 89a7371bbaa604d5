namespace Bitis.Kernels.Dispatch;

/// <summary>One row of a kernel table: a form of an operation for one instruction set.</summary>
/// <remarks>
/// Its name follows the grammar <c>types-operation-tile-instructionset</c>, for example <c>u8s8-gemm-6x16-avxvnni</c>;
/// kernels without a tile leave it out. Families derive from this to add the function pointer.
/// </remarks>
internal abstract class Kernel(
    string operation,
    string? tile,
    InstructionSet instructionSet,
    InstructionSet alsoNeeded = InstructionSet.Portable)
{
    /// <summary>The unique name of the kernel, for <c>BITIS_KERNEL</c>.</summary>
    public string Name { get; } = string.Join('-',
        new[] { operation, tile, InstructionSets.NameOf(instructionSet) }.Where(part => part is not null));

    /// <summary>The operand types and the operation, shared by all rows of a table: <c>f32-scan</c>.</summary>
    public string Operation { get; } = operation;

    /// <summary>The outputs that stay in registers, rows x columns; null if the kernel has no tile.</summary>
    public string? Tile { get; } = tile;

    /// <summary>The instruction set that the kernel needs.</summary>
    public InstructionSet InstructionSet { get; } = instructionSet;

    /// <summary>Whether this machine can run it.</summary>
    public bool IsSupported =>
        InstructionSets.IsSupported(InstructionSet) && InstructionSets.IsSupported(alsoNeeded);

    /// <inheritdoc />
    public override string ToString() => Name;
}
